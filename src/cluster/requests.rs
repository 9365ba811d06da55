//! Requests to one peer that wait for answers, by number: given up when the link breaks, told apart by
//! whether they had left.

use std::collections::VecDeque;

use super::frames::put_frame;
use super::wire;
use crate::peer::{FrameKind, Header};

/// Requests by number, in the order in which they were made; answered ones go from the front.
#[derive(Debug)]
pub(super) struct Requests<T> {
    /// Encoded, not yet in a frame.
    pending: Vec<u8>,
    pending_first: u64,
    pending_count: u64,
    last: u64,
    slots: VecDeque<Slot<T>>,
}

#[derive(Debug)]
enum Slot<T> {
    Waiting,
    Answered(T),
    /// It never left.
    Unsent,
    /// The link broke: nobody will answer.
    Lost,
    Taken,
}

/// How a request stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing<T> {
    Waiting,
    Answered(T),
    /// It was not sent: whoever asked may ask elsewhere.
    Unsent,
    /// It may have arrived; there will be no answer.
    Lost,
}

impl<T> Default for Requests<T> {
    fn default() -> Self {
        Self {
            pending: Vec::new(),
            pending_first: 1,
            pending_count: 0,
            last: 0,
            slots: VecDeque::new(),
        }
    }
}

impl<T> Requests<T> {
    /// Adds a request that `write` encodes; its number.
    pub(super) fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        if self.pending_count == 0 {
            self.pending_first = self.last + 1;
        }
        self.pending_count += 1;
        self.last += 1;
        write(&mut self.pending);
        self.slots.push_back(Slot::Waiting);
        self.last
    }

    fn place(&self, number: u64) -> Option<usize> {
        let first = self.last + 1 - self.slots.len() as u64;
        usize::try_from(number.checked_sub(first)?).ok()
    }

    pub(super) fn answer(&mut self, number: u64, answer: T) {
        if let Some(place) = self.place(number)
            && let Some(slot @ Slot::Waiting) = self.slots.get_mut(place)
        {
            *slot = Slot::Answered(answer);
        }
    }

    /// Nobody wants the answer of a request.
    pub(super) fn forget(&mut self, number: u64) {
        if let Some(place) = self.place(number)
            && let Some(slot) = self.slots.get_mut(place)
        {
            *slot = Slot::Taken;
        }
        while matches!(self.slots.front(), Some(Slot::Taken)) {
            self.slots.pop_front();
        }
    }

    /// Takes the answer out, or gives the request up when `last` says so.
    pub(super) fn take(&mut self, number: u64, last: bool) -> Standing<T> {
        let Some(slot) = self
            .place(number)
            .and_then(|place| self.slots.get_mut(place))
        else {
            return Standing::Lost;
        };
        if matches!(slot, Slot::Waiting) && !last {
            return Standing::Waiting;
        }
        let taken = std::mem::replace(slot, Slot::Taken);
        while matches!(self.slots.front(), Some(Slot::Taken)) {
            self.slots.pop_front();
        }
        match taken {
            Slot::Answered(answer) => Standing::Answered(answer),
            Slot::Unsent => Standing::Unsent,
            Slot::Waiting | Slot::Lost | Slot::Taken => Standing::Lost,
        }
    }

    /// Nobody will answer what has left; what has not never will.
    pub(super) fn lose_all(&mut self) {
        let unsent = usize::try_from(self.pending_count).unwrap_or(usize::MAX);
        let left = self.slots.len().saturating_sub(unsent);
        for (place, slot) in self.slots.iter_mut().enumerate() {
            if matches!(slot, Slot::Waiting) {
                *slot = if place < left {
                    Slot::Lost
                } else {
                    Slot::Unsent
                };
            }
        }
        self.pending.clear();
        self.pending_count = 0;
    }

    /// Moves what is pending into a frame.
    pub(super) fn flush(&mut self, kind: FrameKind, header: &Header, out: &mut Vec<u8>) {
        if self.pending_count == 0 {
            return;
        }
        put_frame(header, kind, out, |out| {
            wire::put_numbers(out, &[self.pending_first, self.pending_count]);
            out.extend_from_slice(&self.pending);
        });
        self.pending_count = 0;
        self.pending.clear();
    }
}
