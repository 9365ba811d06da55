//! The ring: which nodes own which partition, as numbered layouts, and whom to ask in which order.
