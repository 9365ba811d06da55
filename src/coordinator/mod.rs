//! Coordination as pure machines: quorum tallies, the seat of a partition, hints and missed lists.

pub mod hints;

pub mod missed;

pub mod seat;
