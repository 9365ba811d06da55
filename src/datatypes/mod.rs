//! What commands do to values: pure functions over bytes, without keys, replies or time.
//!
//! One file per type, or per way of seeing a type: a Redis string is bytes ([`string`]), an
//! integer ([`string::increment`]), a decimal number ([`float`]), a row of bits ([`bits`]), a row
//! of small integers ([`bitfield`]), a text to compare with another ([`lcs`]). A missing key is
//! the empty string to all of them, save where a function says otherwise.
//!
//! An error's text is the whole error reply, as Redis words it.

pub mod bitfield;
pub mod bits;
pub mod float;
pub mod lcs;
pub mod string;
