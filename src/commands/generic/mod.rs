//! Keys, whatever their type.

mod dump;
mod existing;
mod expiry;
mod object;
mod table_expiry;
mod table_keys;
mod table_value;
#[cfg(test)]
mod tests;
mod wait;
pub mod walks;

pub(super) use existing::destination;
pub(super) use table_expiry::COMMANDS as EXPIRY;
pub(super) use table_keys::COMMANDS as KEYS;
pub(super) use table_value::COMMANDS as VALUES;
