//! Commands done on every node: FLUSHDB and FLUSHALL in two rounds, PUBLISH, POLICY.

use super::Connection;
use super::replies::Told;
use crate::cluster::{Question, inner};
use crate::node::flush::joined;
use crate::node::view::NodeIndex;
use crate::types::Database;

fn error(text: &str) -> Told {
    Told::Error(format!("-{text}\r\n").into_bytes())
}

impl Connection {
    async fn ask_each(
        &mut self,
        whom: &[NodeIndex],
        inner: bool,
        words: &[Box<[u8]>],
    ) -> Vec<Option<Told>> {
        let question = |to: &NodeIndex| Question {
            to: *to,
            inner,
            words: words.to_vec(),
        };
        let questions: Vec<Question> = whom.iter().map(question).collect();
        self.ask(&questions).await
    }

    /// FLUSHDB, FLUSHALL. A member that cannot be reached is flushed up to what was last heard from
    /// it; it learns the marker when it is met again.
    pub(super) async fn flush_all(&mut self, words: &[Box<[u8]>], all: bool) -> Told {
        let how = words.get(1).map(|how| how.to_ascii_lowercase());
        if words.len() > 2 || how.is_some_and(|how| how != b"sync" && how != b"async") {
            return error("ERR syntax error");
        }
        let whom = self.worker.plane.borrow().whom().up;
        let said = self.ask_each(&whom, true, &[inner::FIX.into()]).await;
        let fixed: Vec<_> = said
            .into_iter()
            .filter_map(|told| match told {
                Some(Told::Bulk(Some(bytes))) => inner::take_fixed(&bytes).ok(),
                _ => None,
            })
            .collect();
        let marker = joined(&fixed);
        let databases = self.worker.node.config.load().client.databases;
        let flushed: Vec<_> = (0..databases)
            .map(Database)
            .filter(|database| all || *database == self.session.database)
            .map(|database| (database, marker.clone()))
            .collect();
        let words = [inner::MARK.into(), inner::put_markers(&flushed)];
        let said = self.ask_each(&whom, true, &words).await;
        if let Some(refused) = said
            .iter()
            .flatten()
            .find(|told| matches!(told, Told::Error(_)))
        {
            return refused.clone();
        }
        let (members, acked) = (whom.len(), said.iter().flatten().count());
        if acked < members {
            return error(&format!(
                "NOQUORUM W={members} not met (acked {acked}); the flush may still become visible"
            ));
        }
        Told::Simple(b"OK".to_vec())
    }

    /// PUBLISH: to the subscribers of every node that can be reached; their number.
    pub(super) async fn publish(&mut self, words: &[Box<[u8]>]) -> Told {
        let whom = self.worker.plane.borrow().whom().up;
        let said = self.ask_each(&whom, false, words).await;
        let count = said.iter().flatten().map(|told| match told {
            Told::Integer(count) => *count,
            _ => 0,
        });
        Told::Integer(count.sum())
    }

    /// POLICY SET and DEL: on all members or none.
    pub(super) async fn on_all(&mut self, words: &[Box<[u8]>]) -> Told {
        let whom = self.worker.plane.borrow().whom();
        if !whom.down.is_empty() {
            return error("CLUSTERDOWN a member cannot be reached; nothing was changed");
        }
        let said = self.ask_each(&whom.up, false, words).await;
        let refused = said
            .iter()
            .flatten()
            .find(|told| matches!(told, Told::Error(_)));
        match (refused, said.first()) {
            (Some(refused), _) => refused.clone(),
            (None, Some(Some(own))) if said.iter().all(Option::is_some) => own.clone(),
            _ => error(&format!(
                "NOQUORUM W={} not met (acked {}); the change may still become visible",
                whom.up.len(),
                said.iter().flatten().count()
            )),
        }
    }
}
