//! Publish and subscribe.

mod channels;
mod inspect;
mod table;

pub(super) use table::COMMANDS;
