//! Coordination as pure machines: quorum tallies, the seat of a partition, hints and missed lists.
