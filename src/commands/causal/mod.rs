//! What Redis does not have: versions, contexts, conflict policies, quorums.

mod policy;
mod quorum;
mod table;
mod versions;

pub(super) use table::COMMANDS;

#[cfg(test)]
mod tests;
