//! What the cluster adds to a command: whether it runs here, and what its reply waits for. Commands and
//! dispatch know no more of the cluster than this; in a cluster of one there is nobody to ask.

use super::error::CommandError;
use super::registry::Command;
use crate::node::Locked;
use crate::resp::Argv;
use crate::session::Session;

/// Where a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routed {
    /// On this node.
    Here,
    /// On another, which has been asked; its reply takes this place.
    Sent,
    /// On several: the connection takes the command apart.
    Split,
    /// Nowhere: nothing was done.
    Refused(CommandError),
}

/// See the module's head.
pub trait Elsewhere {
    /// Before anything is locked: where does it run?
    fn route(&mut self, session: &Session, command: &'static Command, argv: Argv<'_>) -> Routed;

    /// The same for EXEC and what it runs.
    fn route_exec(&mut self, session: &Session) -> Routed;

    /// It has run here, its partitions still locked; `wrote`: it changed something.
    fn ran(
        &mut self,
        session: &Session,
        keys: &mut Locked<'_>,
        read: &mut dyn Iterator<Item = &[u8]>,
        wrote: bool,
    );
}

/// A cluster of one: every command runs here, and nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {}

impl Elsewhere for Alone {
    fn route(&mut self, _: &Session, _: &'static Command, _: Argv<'_>) -> Routed {
        match *self {}
    }

    fn route_exec(&mut self, _: &Session) -> Routed {
        match *self {}
    }

    fn ran(
        &mut self,
        _: &Session,
        _: &mut Locked<'_>,
        _: &mut dyn Iterator<Item = &[u8]>,
        _: bool,
    ) {
        match *self {}
    }
}
