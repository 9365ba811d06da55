//! Questions to certain nodes, beside a connection's pass: the parts of a command that concerns all
//! keys, or all nodes. Who can be asked, and the asking.

use smallvec::SmallVec;

use super::inner;
use super::pass::{Pass, Span, Waits};
use super::plane::Plane;
use super::unit::item;
use super::wire::{INNER, LOCAL};
use crate::node::view::NodeIndex;
use crate::session::Session;
use crate::types::PartitionId;

/// What one node is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whom.
    pub to: NodeIndex,
    /// A question of [`super::inner`]; otherwise a command that runs there whoever the seat is.
    pub inner: bool,
    /// Its words.
    pub words: Vec<Box<[u8]>>,
}

/// The members, as far as this node can ask them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    /// Can be asked, this node first.
    pub up: Vec<NodeIndex>,
    /// Cannot.
    pub down: Vec<NodeIndex>,
}

impl Plane {
    /// All members.
    pub fn whom(&self) -> Whom {
        let mut whom = Whom::default();
        for (place, known) in self.view.nodes.iter().enumerate() {
            let index = NodeIndex(place as u16);
            if index == NodeIndex::ME || known.member && self.is_up(index) {
                whom.up.push(index);
            } else if known.member {
                whom.down.push(index);
            }
        }
        whom
    }

    /// Owners of a partition that can be asked: this node first, if it is one.
    pub fn owners_up(&self, partition: PartitionId) -> SmallVec<[NodeIndex; 3]> {
        let route = self.view.route(partition);
        let me = route.mine.then_some(NodeIndex::ME);
        let others = route.owners.iter().copied();
        let others = others.filter(|to| *to != NodeIndex::ME && self.is_up(*to));
        me.into_iter().chain(others).collect()
    }

    /// The node at which writes of a partition run.
    pub fn seat(&self, partition: PartitionId) -> Option<NodeIndex> {
        self.view.route(partition).seat
    }

    /// Asks a peer; the answer comes into `pass`, in the order of the questions.
    pub fn ask(&mut self, session: &Session, question: &Question, pass: &mut Pass) {
        let item = item(session, if question.inner { INNER } else { LOCAL });
        let words = question.words.iter().map(|word| &**word);
        let number = self.link(question.to).command(&item, words);
        let waits = Waits::Sent {
            to: question.to,
            number,
            write: false,
            silent: false,
        };
        pass.push(waits, Span::default());
    }

    /// A peer that may have been away learns of flushes that it has not seen.
    pub(super) fn tell_markers(&mut self, to: NodeIndex) {
        let markers = self.node.markers();
        if markers.is_empty() {
            return;
        }
        let words: [&[u8]; 2] = [inner::MARK, &inner::put_markers(&markers)];
        self.link(to).tell(&super::unit::PLAIN, words.into_iter());
    }
}
