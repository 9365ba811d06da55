//! One pass over a connection's input: the replies that have been written already and what each still
//! waits for. Commands do not wait for one another; their replies leave together, in order, once the
//! last of them has its quorum (design, "A pipeline overlaps").

use smallvec::SmallVec;

use super::link::{Answered, Compared};
use super::plane::Plane;
use super::requests::Standing;
use crate::node::view::NodeIndex;

/// Where a reply stands in the output, and the request that it answers in the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte in the output.
    pub from: usize,
    /// The byte after the last.
    pub to: usize,
    /// First byte of the request in the input.
    pub asked_from: usize,
    /// The byte after it.
    pub asked_to: usize,
}

/// The copies of one partition's part of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Copies {
    /// With this node's own.
    pub(super) own: bool,
    /// Node and number of the operation there.
    pub(super) sent: SmallVec<[(NodeIndex, u64); 3]>,
}

/// What a reply waits for.
#[derive(Debug)]
pub(super) enum Waits {
    /// W copies of each partition that the command wrote; of them DW fsynced.
    Written {
        copies: SmallVec<[Copies; 1]>,
        w: u8,
        dw: u8,
    },
    /// Other owners' word that they hold the same.
    Read {
        asked: SmallVec<[(NodeIndex, u64); 2]>,
        r: u8,
        /// Our copy has grown since: the command runs again.
        again: bool,
        /// So few owners could be asked, this node counted; `None`: enough.
        short: Option<u8>,
    },
    /// Nothing: the request is made anew.
    Anew,
    /// The reply itself, from the node that runs the command.
    Sent {
        to: NodeIndex,
        number: u64,
        write: bool,
        /// CLIENT REPLY OFF or SKIP: nothing is written.
        silent: bool,
    },
}

/// How a request is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anew {
    /// Where it runs is decided anew too; otherwise it runs here.
    pub routed: bool,
    /// CLIENT REPLY OFF or SKIP: nothing is written.
    pub silent: bool,
}

/// How a reply came out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// What was written stands.
    Stands,
    /// This takes its place.
    Reply(Box<[u8]>),
    /// This error does.
    Error(String),
    /// A read has become stale: it runs again, on what has been learned.
    Again,
    /// Nothing was done: the request is routed anew.
    Retry,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) span: Span,
    pub(super) waits: Waits,
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Pass {
    items: Vec<Item>,
    settled: Vec<Settled>,
}

impl Pass {
    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn push(&mut self, waits: Waits, span: Span) {
        self.items.push(Item { span, waits });
    }

    /// A request that could not be run is made anew.
    pub fn again(&mut self, span: Span) {
        self.push(Waits::Anew, span);
    }

    /// Gives the item added last its place in the output and the input.
    pub fn place_last(&mut self, span: Span) {
        if let Some(item) = self.items.last_mut() {
            item.span = span;
        }
    }

    /// What was asked beside a connection's output has come, or not: `None`.
    pub fn take_answers(&mut self) -> Vec<Option<Box<[u8]>>> {
        self.items.clear();
        let answer = |settled| match settled {
            Settled::Reply(reply) => Some(reply),
            Settled::Stands | Settled::Error(_) | Settled::Again | Settled::Retry => None,
        };
        self.settled.drain(..).map(answer).collect()
    }

    /// How many replies wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// How what is settled came out.
    #[cfg(test)]
    pub(super) fn settled(&self) -> &[Settled] {
        &self.settled
    }

    /// Looks what has come. True: everything is settled. `last`: time is up, what is open now ends as
    /// it stands.
    pub(super) fn advance(&mut self, plane: &mut Plane, last: bool) -> bool {
        while let Some(item) = self.items.get_mut(self.settled.len()) {
            let settled = match &mut item.waits {
                Waits::Written { copies, w, dw } => written(plane, copies, *w, *dw, last),
                Waits::Read {
                    asked,
                    r,
                    again,
                    short,
                } => read(plane, asked, *r, again, *short, last),
                Waits::Anew if last => Some(Settled::Error(
                    "TRYAGAIN the key could not be loaded in time; nothing was written".to_owned(),
                )),
                Waits::Anew => Some(Settled::Retry),
                Waits::Sent {
                    to, number, write, ..
                } => sent(plane, *to, *number, *write, last),
            };
            match settled {
                Some(settled) => self.settled.push(settled),
                None => return false,
            }
        }
        true
    }

    /// Is a request to be routed anew? Then something has changed, or is about to.
    pub fn retries(&self) -> bool {
        self.settled.contains(&Settled::Retry)
    }

    /// The output with every reply as it came out, and an empty pass. `again` runs a request anew and
    /// appends its reply.
    pub fn assemble(
        &mut self,
        output: &mut Vec<u8>,
        error: impl Fn(&str, &mut Vec<u8>),
        mut again: impl FnMut(Span, Anew, &mut Vec<u8>),
    ) {
        let items = std::mem::take(&mut self.items);
        let settled = std::mem::take(&mut self.settled);
        let plain = settled.iter().all(|one| *one == Settled::Stands);
        if !plain {
            let old = std::mem::take(output);
            let mut from = 0;
            for (item, settled) in items.iter().zip(settled) {
                let Span {
                    from: start, to, ..
                } = item.span;
                output.extend_from_slice(old.get(from..start).unwrap_or_default());
                from = to;
                let silent = match item.waits {
                    Waits::Sent { silent, .. } => silent,
                    Waits::Anew => false,
                    // Every command that runs here replies, unless the client wants none.
                    Waits::Written { .. } | Waits::Read { .. } => start == to,
                };
                match settled {
                    Settled::Stands => {
                        output.extend_from_slice(old.get(start..to).unwrap_or_default());
                    }
                    Settled::Retry => {
                        let routed = true;
                        again(item.span, Anew { routed, silent }, output);
                    }
                    _ if silent => {}
                    Settled::Reply(reply) => output.extend_from_slice(&reply),
                    Settled::Error(text) => error(&text, output),
                    Settled::Again => {
                        let routed = false;
                        again(item.span, Anew { routed, silent }, output);
                    }
                }
            }
            output.extend_from_slice(old.get(from..).unwrap_or_default());
        }
    }
}

/// W distinct nodes of each partition.
fn written(plane: &Plane, copies: &[Copies], w: u8, dw: u8, last: bool) -> Option<Settled> {
    let mut fewest = u8::MAX;
    for copies in copies {
        let have = |synced: bool| {
            let others = copies
                .sent
                .iter()
                .filter(|(to, number)| plane.has(*to, *number, synced))
                .count();
            others as u8
        };
        let acknowledged = u8::from(copies.own) + have(false);
        let durable = u8::from(copies.own && plane.own_synced()) + have(true);
        if acknowledged < w || durable < dw {
            fewest = fewest.min(acknowledged);
        }
    }
    match (fewest, last) {
        (u8::MAX, _) => Some(Settled::Stands),
        (_, false) => None,
        (acknowledged, true) => Some(Settled::Error(format!(
            "NOQUORUM W={w} not met (acked {acknowledged}); the write may still become visible"
        ))),
    }
}

fn read(
    plane: &mut Plane,
    asked: &mut SmallVec<[(NodeIndex, u64); 2]>,
    r: u8,
    again: &mut bool,
    short: Option<u8>,
    last: bool,
) -> Option<Settled> {
    let unmet =
        |answered: u8| Settled::Error(format!("NOQUORUM R={r} not met (answered {answered})"));
    if let Some(answered) = short {
        return Some(unmet(answered));
    }
    let mut lost = false;
    let mut left = SmallVec::new();
    for (to, number) in asked.drain(..) {
        match plane.take_compared(to, number, last) {
            Standing::Waiting => left.push((to, number)),
            Standing::Answered(compared) => *again |= compared == Compared::Grown,
            Standing::Lost | Standing::Unsent => lost = true,
        }
    }
    *asked = left;
    if lost {
        return Some(if last { unmet(1) } else { Settled::Retry });
    }
    asked.is_empty().then_some(if *again {
        Settled::Again
    } else {
        Settled::Stands
    })
}

fn sent(plane: &mut Plane, to: NodeIndex, number: u64, write: bool, last: bool) -> Option<Settled> {
    match plane.take_answer(to, number, last) {
        Standing::Waiting => None,
        Standing::Answered(Answered::Reply(reply)) => Some(Settled::Reply(reply)),
        Standing::Answered(Answered::NotSeat) if last => Some(Settled::Error(
            "TRYAGAIN the partition is changing its seat; nothing was written".to_owned(),
        )),
        Standing::Answered(Answered::NotSeat) => Some(Settled::Retry),
        Standing::Unsent if !last => Some(Settled::Retry),
        Standing::Unsent => Some(Settled::Error(
            "CLUSTERDOWN the node that keeps this key cannot be reached; nothing was written"
                .to_owned(),
        )),
        Standing::Answered(Answered::Busy) => Some(Settled::Error(
            "TRYAGAIN the node that keeps this key is overloaded; nothing was written".to_owned(),
        )),
        Standing::Lost if write => Some(Settled::Error(format!(
            "NOQUORUM W={} not met (acked 0); the write may still become visible",
            plane.view.w
        ))),
        Standing::Lost if !last => Some(Settled::Retry),
        Standing::Lost => Some(Settled::Error(format!(
            "NOQUORUM R={} not met (answered 0)",
            plane.view.r
        ))),
    }
}
