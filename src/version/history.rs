//! Histories: per actor, a set of disjoint closed intervals of hlc. A dot inside one is *covered*:
//! live here, or superseded by something known here.
//!
//! Why intervals and not a version vector: a client may write on a lagging owner with a context of
//! one late dot. A vector would have to claim everything before it, and so kill a write that this
//! owner has never seen (counterexample F1a). Histories are only ever joined and subtracted,
//! exactly; nothing is inferred from a gap, since hlc dots are not consecutive.
//!
//! Always: intervals are sorted by (actor, from), never empty, never overlap and never touch, so
//! that equal sets of dots are equal values. The common interval starts at 0, one per actor.

use smallvec::SmallVec;

use super::{Dot, Floor};
use crate::types::{ActorIndex, Hlc};

/// A closed interval of hlc: both ends belong to it. Empty if `from` is above `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first hlc in it.
    pub from: Hlc,
    /// The last hlc in it.
    pub to: Hlc,
}

impl Interval {
    /// The interval of one dot alone.
    pub fn only(at: Hlc) -> Self {
        Self { from: at, to: at }
    }

    /// The interval from the actor's birth: the entry of an ordinary version vector.
    pub fn up_to(to: Hlc) -> Self {
        Self { from: Hlc(0), to }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    actor: ActorIndex,
    from: Hlc,
    to: Hlc,
}

/// A set of dots, exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Inline for the common record: one interval for each of three owners.
    spans: SmallVec<[Span; 3]>,
}

impl History {
    /// The history of a record written by one actor alone, without a break.
    pub fn up_to(dot: Dot) -> Self {
        let mut history = Self::default();
        history.insert(dot.actor, Interval::up_to(dot.hlc));
        history
    }

    /// Whether the dot is live or superseded here.
    pub fn covers(&self, dot: Dot) -> bool {
        let place = self
            .spans
            .partition_point(|span| (span.actor, span.to) < (dot.actor, dot.hlc));
        self.spans
            .get(place)
            .is_some_and(|span| span.actor == dot.actor && span.from <= dot.hlc)
    }

    /// Whether every dot of `other` is covered here.
    pub fn includes(&self, other: &Self) -> bool {
        other.spans.iter().all(|wanted| {
            let place = self
                .spans
                .partition_point(|span| (span.actor, span.to) < (wanted.actor, wanted.to));
            self.spans
                .get(place)
                .is_some_and(|span| span.actor == wanted.actor && span.from <= wanted.from)
        })
    }

    /// Adds an interval. Costs a search when it lengthens the actor's last one, as a mint does.
    pub fn insert(&mut self, actor: ActorIndex, interval: Interval) {
        let Interval { from, to } = interval;
        if from > to {
            return;
        }
        // The spans from `start` to `end` overlap the new one or touch it: they become one.
        let start = self
            .spans
            .partition_point(|span| (span.actor, above(span.to)) < (actor, from));
        let end = self
            .spans
            .partition_point(|span| (span.actor, span.from) <= (actor, above(to)));
        let mut merged = Span { actor, from, to };
        for span in self.spans.get(start..end).unwrap_or_default() {
            merged.from = merged.from.min(span.from);
            merged.to = merged.to.max(span.to);
        }
        match self.spans.get_mut(start) {
            Some(first) if start < end => {
                *first = merged;
                self.spans.drain(start + 1..end);
            }
            _ => self.spans.insert(start, merged),
        }
    }

    /// Adds one dot alone.
    pub fn insert_dot(&mut self, dot: Dot) {
        self.insert(dot.actor, Interval::only(dot.hlc));
    }

    /// Adds everything that `other` covers.
    pub fn join(&mut self, other: &Self) {
        if self.includes(other) {
            return;
        }
        let ours = std::mem::take(&mut self.spans);
        let (mut ours, mut theirs) = (ours.iter().peekable(), other.spans.iter().peekable());
        loop {
            let next = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(_), None) => ours.next(),
                (Some(a), Some(b)) if (a.actor, a.from) <= (b.actor, b.from) => ours.next(),
                (None | Some(_), Some(_)) => theirs.next(),
            };
            self.spans.extend_touching(next.copied());
        }
    }

    /// Takes single dots out, splitting the intervals that hold them.
    pub fn subtract(&mut self, dots: impl IntoIterator<Item = Dot>) {
        for dot in dots {
            let place = self
                .spans
                .partition_point(|span| (span.actor, span.to) < (dot.actor, dot.hlc));
            let Some(span) = self.spans.get_mut(place) else {
                continue;
            };
            if span.actor != dot.actor || span.from > dot.hlc {
                continue;
            }
            let whole = *span;
            let below = (whole.from < dot.hlc).then(|| Hlc(dot.hlc.0 - 1));
            let over = (whole.to > dot.hlc).then(|| Hlc(dot.hlc.0 + 1));
            match (below, over) {
                (None, None) => {
                    self.spans.remove(place);
                }
                (Some(to), None) => span.to = to,
                (None, Some(from)) => span.from = from,
                (Some(to), Some(from)) => {
                    span.to = to;
                    self.spans.insert(place + 1, Span { from, ..whole });
                }
            }
        }
    }

    /// What must be stored beside `floor`: intervals that it implies are dropped, and one that
    /// reaches above it is let start at 0 again, which claims nothing that the floor does not.
    #[must_use]
    pub fn without_floor(&self, floor: &Floor) -> Self {
        let mut kept = Self::default();
        for span in &self.spans {
            let mut span = *span;
            if let Some(end) = floor.get(span.actor) {
                if span.to <= end {
                    continue;
                }
                if span.from <= above(end) {
                    span.from = Hlc(0);
                }
            }
            kept.spans.push(span);
        }
        kept
    }

    /// Whether the floor implies all of it.
    pub fn is_below(&self, floor: &Floor) -> bool {
        self.spans
            .iter()
            .all(|span| floor.get(span.actor).is_some_and(|end| span.to <= end))
    }

    /// The end of the actor's last interval.
    pub fn top(&self, actor: ActorIndex) -> Option<Hlc> {
        let after = self.spans.partition_point(|span| span.actor <= actor);
        let last = self.spans.get(after.checked_sub(1)?)?;
        (last.actor == actor).then_some(last.to)
    }

    /// Whether it covers nothing.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many intervals it has.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// All intervals, by actor, then by time.
    pub fn iter(&self) -> impl Iterator<Item = (ActorIndex, Interval)> + '_ {
        self.spans.iter().map(|span| {
            let Span { actor, from, to } = *span;
            (actor, Interval { from, to })
        })
    }
}

impl FromIterator<(ActorIndex, Interval)> for History {
    fn from_iter<I: IntoIterator<Item = (ActorIndex, Interval)>>(intervals: I) -> Self {
        let mut history = Self::default();
        for (actor, interval) in intervals {
            history.insert(actor, interval);
        }
        history
    }
}

/// Appending spans in order of (actor, from), joined where they overlap or touch.
trait ExtendTouching {
    fn extend_touching(&mut self, span: Option<Span>);
}

impl ExtendTouching for SmallVec<[Span; 3]> {
    fn extend_touching(&mut self, span: Option<Span>) {
        let Some(span) = span else { return };
        match self.last_mut() {
            Some(last) if last.actor == span.actor && span.from <= above(last.to) => {
                last.to = last.to.max(span.to);
            }
            _ => self.push(span),
        }
    }
}

/// The next hlc, or the last one there is.
fn above(hlc: Hlc) -> Hlc {
    Hlc(hlc.0.saturating_add(1))
}
