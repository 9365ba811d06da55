//! Bitmaps: bits of strings.

mod bit;
mod field;
mod table;

pub(super) use table::COMMANDS;

#[cfg(test)]
mod tests;
