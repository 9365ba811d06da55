//! The connection itself: handshake, database, what others see of it.

mod basic;
mod hello;
mod identity;
mod kill;
mod list;
mod table;

pub(super) use basic::database_of;
pub(super) use table::COMMANDS;

#[cfg(test)]
mod tests;
