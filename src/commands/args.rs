//! Reading arguments: a cursor, and the conversions with Redis's error texts.

use super::error::CommandError;
use crate::resp::Argv;
use crate::resp::number::{parse_f64, parse_i64};

/// A cursor over the arguments after the command's name.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    argv: Argv<'a>,
    next: usize,
}

impl<'a> Args<'a> {
    /// Starts at argument `from`.
    pub fn new(argv: Argv<'a>, from: usize) -> Self {
        Self { argv, next: from }
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.argv.len().saturating_sub(self.next)
    }

    /// Is none left?
    pub fn is_done(&self) -> bool {
        self.left() == 0
    }

    /// The next argument, or a syntax error.
    pub fn bytes(&mut self) -> Result<&'a [u8], CommandError> {
        let argument = self.argv.get(self.next).ok_or(CommandError::Syntax)?;
        self.next += 1;
        Ok(argument)
    }

    /// The next argument without taking it.
    pub fn peek(&self) -> Option<&'a [u8]> {
        self.argv.get(self.next)
    }

    /// The next argument as an integer.
    pub fn integer(&mut self) -> Result<i64, CommandError> {
        integer(self.bytes()?)
    }

    /// Takes the next argument when it is this word, in any case.
    pub fn take(&mut self, word: &str) -> bool {
        let is = self
            .peek()
            .is_some_and(|next| next.eq_ignore_ascii_case(word.as_bytes()));
        self.next += usize::from(is);
        is
    }

    /// Nothing may be left.
    pub fn finish(&self) -> Result<(), CommandError> {
        if self.is_done() {
            Ok(())
        } else {
            Err(CommandError::Syntax)
        }
    }
}

/// An argument as a signed 64-bit integer.
pub fn integer(text: &[u8]) -> Result<i64, CommandError> {
    parse_i64(text).ok_or(CommandError::NotInteger)
}

/// An argument as a double.
pub fn double(text: &[u8]) -> Result<f64, CommandError> {
    parse_f64(text).ok_or(CommandError::NotFloat)
}
