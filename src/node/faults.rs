//! Links cut on purpose, so that a partition can be shown and tested on one machine without root. Only
//! a process started with `--allow-faults` has any; no setting, file or command allows them later.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::types::NodeId;

/// How a link is cut, seen from this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing is sent to the other node; what it sends is heard.
    To,
    /// Nothing is sent or heard.
    Both,
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Faults {
    allowed: AtomicBool,
    cuts: ArcSwap<BTreeMap<NodeId, Cut>>,
}

impl Faults {
    /// Called once, before the node is served.
    pub fn allow(&self) {
        self.allowed.store(true, Ordering::Relaxed);
    }

    /// May links be cut?
    pub fn are_allowed(&self) -> bool {
        self.allowed.load(Ordering::Relaxed)
    }

    /// Cuts exactly these from now on. False: not allowed, and nothing was changed.
    pub fn set(&self, cuts: BTreeMap<NodeId, Cut>) -> bool {
        if self.are_allowed() {
            self.cuts.store(Arc::new(cuts));
        }
        self.are_allowed()
    }

    /// What is cut.
    pub fn cuts(&self) -> Arc<BTreeMap<NodeId, Cut>> {
        self.cuts.load_full()
    }

    /// May something be sent to this node?
    pub fn may_send(&self, to: NodeId) -> bool {
        !self.cuts.load().contains_key(&to)
    }

    /// May something be heard from this node?
    pub fn may_hear(&self, from: NodeId) -> bool {
        self.cuts.load().get(&from) != Some(&Cut::Both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_where_faults_are_not_allowed() {
        let (faults, other) = (Faults::default(), NodeId(7));
        let both = BTreeMap::from([(other, Cut::Both)]);
        assert!(!faults.set(both.clone()));
        assert!(faults.may_send(other) && faults.may_hear(other));
        faults.allow();
        assert!(faults.set(both));
        assert!(!faults.may_send(other) && !faults.may_hear(other));
        assert!(faults.set(BTreeMap::from([(other, Cut::To)])));
        assert!(!faults.may_send(other) && faults.may_hear(other));
        assert!(faults.set(BTreeMap::new()));
        assert!(faults.may_send(other));
    }
}
