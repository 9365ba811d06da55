//! Strings.

mod change;
mod expiry;
mod read;
mod set;
mod several;
mod table;

pub(super) use expiry::{Until, until};
pub(super) use table::COMMANDS;

#[cfg(test)]
mod tests;
