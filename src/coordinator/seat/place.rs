//! One partition as its owner sees it: who its owners are, what this node has promised, and its own
//! claim. Decisions only; the machine gathers what follows from them into messages.
//!
//! Always: a claim's epoch is what the place has promised; yielding replaces both.

use std::collections::BTreeSet;

use super::{Epoch, Standing};
use crate::types::{Hlc, MonoMs, NodeId, PartitionId};

/// The most owners of a partition in one layout that take part in its seat: two layouts fill the
/// bits of a word. N is 3 as a rule, and 7 is already much.
pub(super) const MAX_OWNERS: usize = 16;

/// The owners of one live layout, as bits over [`Place::order`], and how many make a quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) members: u32,
    /// N, clipped to the owners there are.
    pub(super) n: u32,
    /// W, clipped to N.
    pub(super) w: u32,
}

impl Share {
    /// How many owners, the seat included, meet every W of them: N − W + 1.
    fn meeting(self) -> u32 {
        self.n - self.w + 1
    }

    fn count(self, bits: u32) -> u32 {
        (self.members & bits).count_ones()
    }
}

/// A claim of this node on one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The time of its epoch.
    pub(super) hlc: Hlc,
    /// Nobody else serves, so that this node coordinates at once; otherwise it waits for a yield of
    /// whoever served, or of everybody who is believed up.
    pub(super) free: bool,
    /// The seat before, to name until it has yielded.
    pub(super) former: Option<NodeId>,
    /// A seat before that owns nothing any more, as after a change of layout, and has not yielded.
    pub(super) witness: Option<NodeId>,
    /// Who has promised this claim. Bits over the order, like all that follow.
    pub(super) yielded: u32,
    /// With whom an exchange was asked for and is not finished.
    pub(super) exchanging: u32,
    /// With whom the partition was exchanged after they yielded.
    pub(super) exchanged: u32,
    /// Who took foreign writes since, and has not been exchanged with again.
    pub(super) stale: u32,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The owners, older layout first, then those that only the newer one has.
    pub(super) order: Vec<NodeId>,
    /// The live layouts.
    pub(super) shares: Vec<Share>,
    /// The latest epoch promised.
    pub(super) promise: Epoch,
    /// Whether the promise says who serves: not after a start, nor after having been cut off.
    pub(super) certain: bool,
    /// No claim before this: damps two nodes that see each other differently.
    pub(super) hold_until: Option<MonoMs>,
    /// This node's own claim.
    pub(super) claim: Option<Claim>,
}

impl Place {
    /// A partition about which a node that started at `boot` knows nothing yet.
    pub(super) fn new(boot: Epoch) -> Self {
        Self {
            order: Vec::new(),
            shares: Vec::new(),
            promise: boot,
            certain: false,
            hold_until: None,
            claim: None,
        }
    }

    /// Takes the owners of the live layouts; true if that changes anything.
    pub(super) fn set_owners(&mut self, layouts: &[&[NodeId]], n: u8, w: u8) -> bool {
        let mut order: Vec<NodeId> = Vec::new();
        let mut shares = Vec::new();
        for owners in layouts {
            let taken = owners.iter().take(usize::from(n).clamp(1, MAX_OWNERS));
            let mut members = 0u32;
            for owner in taken {
                let known = order.iter().position(|other| other == owner);
                let place = known.unwrap_or(order.len());
                if known.is_none() {
                    order.push(*owner);
                }
                members |= 1 << place;
            }
            let n = members.count_ones();
            if n > 0 {
                let w = u32::from(w).clamp(1, n);
                shares.push(Share { members, n, w });
            }
        }
        let changed = order != self.order || shares != self.shares;
        self.order = order;
        self.shares = shares;
        changed
    }

    pub(super) fn bit(&self, node: NodeId) -> u32 {
        let place = self.order.iter().position(|owner| *owner == node);
        place.map_or(0, |place| 1 << place)
    }

    /// The owners among `bits`, in order.
    pub(super) fn nodes(&self, bits: u32) -> impl Iterator<Item = NodeId> + '_ {
        let places = self.order.iter().enumerate();
        places
            .filter(move |(place, _)| bits & (1 << place) != 0)
            .map(|(_, owner)| *owner)
    }

    /// The owners believed up; this node is always among them if it is one.
    pub(super) fn up(&self, down: &BTreeSet<NodeId>) -> u32 {
        let places = self.order.iter().enumerate();
        places
            .filter(|(_, owner)| !down.contains(owner))
            .fold(0, |bits, (place, _)| bits | 1 << place)
    }

    /// Whether a write could get W owners of each live layout.
    pub(super) fn can_write(&self, up: u32) -> bool {
        !self.shares.is_empty() && self.shares.iter().all(|share| share.count(up) >= share.w)
    }

    /// Whether `bits`, with this node, meet every W owners of each live layout. A seat that is no
    /// owner of one of them needs one more there.
    fn meets(&self, me: NodeId, bits: u32) -> bool {
        let bits = bits | self.bit(me);
        let mut shares = self.shares.iter();
        shares.all(|share| share.count(bits) >= share.meeting())
    }

    /// Owners to read before an unseated read-modify-write, this node included.
    pub(super) fn reads(&self) -> u8 {
        let reads = self.shares.iter().map(|share| share.meeting() as u8);
        reads.max().unwrap_or(1)
    }

    /// Whether this node is the first owner that it believes up.
    pub(super) fn is_first(&self, me: NodeId, up: u32) -> bool {
        let bit = self.bit(me);
        bit != 0 && up & (bit - 1) == 0
    }

    pub(super) fn holds(&self, now: MonoMs) -> bool {
        self.hold_until.is_some_and(|until| now < until)
    }

    /// Opens a claim; false if `hlc` is not above what was promised (a clock that went back).
    /// `before`: the claim this one takes over from, and whether this node served under it.
    pub(super) fn open(
        &mut self,
        me: NodeId,
        hlc: Hlc,
        down: &BTreeSet<NodeId>,
        before: Option<(Claim, bool)>,
    ) -> bool {
        let epoch = Epoch { hlc, node: me };
        if epoch <= self.promise {
            return false;
        }
        let (free, former) = if let Some((claim, served)) = before {
            (served, claim.former.or(claim.witness))
        } else {
            let former = self
                .promise
                .seat()
                .filter(|seat| *seat != me && self.certain);
            (former.is_some_and(|seat| down.contains(&seat)), former)
        };
        let former = former.filter(|seat| !free && !down.contains(seat));
        let owner = former.filter(|seat| self.bit(*seat) != 0);
        self.promise = epoch;
        self.certain = true;
        self.hold_until = None;
        self.claim = Some(Claim {
            hlc,
            free,
            former: owner,
            witness: former.filter(|_| owner.is_none()),
            yielded: 0,
            exchanging: 0,
            exchanged: 0,
            stale: 0,
        });
        true
    }

    /// Those believed up that have not answered our claim, in order.
    pub(super) fn waits_for(&self, me: NodeId, up: u32) -> impl Iterator<Item = NodeId> + '_ {
        let claim = self.claim.as_ref();
        let owners = claim.map_or(0, |claim| up & !claim.yielded & !self.bit(me));
        let witness = claim.and_then(|claim| claim.witness);
        self.nodes(owners).chain(witness)
    }

    /// Notes that nobody is left who might serve. It stays so: who comes up later has been told by
    /// then, or could not write.
    pub(super) fn free_if_alone(&mut self, me: NodeId, up: u32) {
        let waits = self.waits_for(me, up).next().is_some();
        if let Some(claim) = self.claim.as_mut().filter(|_| !waits) {
            claim.free = true;
        }
    }

    /// Those to begin an exchange with now; they are marked as asked.
    pub(super) fn exchange_with(&mut self, me: NodeId, up: u32) -> u32 {
        let Some(claim) = &self.claim else {
            return 0;
        };
        let enough = self.meets(me, claim.yielded);
        let seated = self.meets(me, claim.exchanged) && claim.stale == 0;
        if !enough || seated {
            return 0;
        }
        let missing = if self.meets(me, claim.exchanged) {
            claim.stale
        } else {
            claim.yielded & !claim.exchanged | claim.stale
        };
        let with = missing & up & !claim.exchanging;
        if let Some(claim) = &mut self.claim {
            claim.exchanging |= with;
        }
        with
    }

    /// This node's part, as it follows from all of the above.
    pub(super) fn standing(&self, me: NodeId, up: u32, now: MonoMs) -> Standing {
        let unseated = Standing::Unseated {
            reads: self.reads(),
        };
        if let Some(claim) = &self.claim {
            if claim.free && self.meets(me, claim.exchanged) && claim.stale == 0 {
                let epoch = self.promise;
                return Standing::Seated { epoch };
            }
            if claim.free {
                return unseated;
            }
            let mut waiting = self.waits_for(me, up);
            let former = claim.former.filter(|seat| {
                let bit = self.bit(*seat);
                bit & up & !claim.yielded != 0
            });
            let seat = claim.witness.or(former).or_else(|| waiting.next());
            return seat.map_or(unseated, |seat| Standing::Elsewhere { seat });
        }
        let seat = self.promise.seat().filter(|seat| *seat != me);
        let seat = seat.filter(|seat| {
            let bit = self.bit(*seat);
            bit & up != 0 || (bit != 0 && self.holds(now))
        });
        let seat = seat.or_else(|| self.nodes(up).next());
        match seat.or_else(|| self.order.first().copied()) {
            Some(seat) if seat != me => Standing::Elsewhere { seat },
            _ => unseated,
        }
    }
}

/// Walks all places with their ids.
pub(super) fn numbered(count: usize) -> impl Iterator<Item = PartitionId> {
    (0..count).map(|id| PartitionId(id as u16))
}
