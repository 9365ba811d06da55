//! The table of all commands, numbered, with a look-up by name that neither allocates nor compares
//! more than once.

use std::sync::LazyLock;

use super::FAMILIES;
use super::spec::{CommandSpec, Flag, KeySpec};
use crate::resp::Argv;

/// A command in the table: its spec, with what dispatch asks on every call worked out beforehand.
pub struct Command {
    /// The spec.
    pub spec: &'static CommandSpec,
    /// Its number: statistics and CLIENT LIST use it.
    pub number: u16,
    /// `get`, or `client|id`.
    pub full_name: String,
    /// The container, for a subcommand.
    pub container: Option<&'static str>,
    /// May change a key.
    pub write: bool,
    /// Refused when memory is full.
    pub denyoom: bool,
    /// Allowed before AUTH.
    pub no_auth: bool,
    /// Exactly one key, at this position.
    pub only_key: Option<usize>,
    /// Shows this node's own copy of its key: no other owner is asked.
    pub own_copy: bool,
    /// May name a key of a database that is not the selected one: COPY, MOVE.
    pub crosses_databases: bool,
    /// CLUSTER: refused whatever it says, and checked all the same.
    pub is_cluster: bool,
    /// Its arguments may hold a secret that MONITOR and SLOWLOG must not show.
    pub secrets: bool,
    /// Numbers of the subcommands.
    pub subcommands: Vec<u16>,
}

/// All commands.
pub struct Registry {
    commands: Vec<Command>,
    /// Open addressing over the hash of the lower-case name; `u16::MAX` is empty.
    slots: Vec<u16>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::build);

const EMPTY: u16 = u16::MAX;
const SLOTS: usize = 2_048;

impl Registry {
    /// The one table of this process.
    pub fn get() -> &'static Self {
        &REGISTRY
    }

    fn build() -> Self {
        let mut registry = Self {
            commands: Vec::new(),
            slots: vec![EMPTY; SLOTS],
        };
        for spec in FAMILIES.iter().copied().flatten() {
            let number = registry.add(spec, None);
            for subcommand in spec.subcommands {
                let sub = registry.add(subcommand, Some(spec));
                if let Some(command) = registry.commands.get_mut(usize::from(number)) {
                    command.subcommands.push(sub);
                }
            }
        }
        registry
    }

    fn add(&mut self, spec: &'static CommandSpec, container: Option<&'static CommandSpec>) -> u16 {
        let number = self.commands.len() as u16;
        let full_name = match container {
            Some(container) => format!("{}|{}", container.name, spec.name),
            None => spec.name.to_owned(),
        };
        let only_key = match spec.keys {
            KeySpec::Range {
                first,
                last,
                step: 1,
                ..
            } if last > 0 && u8::try_from(last) == Ok(first) => Some(usize::from(first)),
            _ => None,
        };
        self.commands.push(Command {
            spec,
            number,
            is_cluster: full_name == "cluster",
            secrets: super::redact::may_hold_secrets(&full_name),
            full_name,
            container: container.map(|container| container.name),
            write: spec.has(Flag::Write),
            denyoom: spec.has(Flag::Denyoom),
            no_auth: spec.has(Flag::NoAuth),
            only_key,
            own_copy: container.is_some_and(|container| container.name == "ring"),
            crosses_databases: container.is_none() && matches!(spec.name, "copy" | "move"),
            subcommands: Vec::new(),
        });
        if container.is_none() {
            let mut slot = hash(spec.name.as_bytes());
            while self.slots.get(slot).is_some_and(|taken| *taken != EMPTY) {
                slot = (slot + 1) % SLOTS;
            }
            if let Some(free) = self.slots.get_mut(slot) {
                *free = number;
            }
        }
        number
    }

    /// A command by name, in any case.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&Command> {
        let mut slot = hash(name);
        loop {
            let number = *self.slots.get(slot)?;
            if number == EMPTY {
                return None;
            }
            let command = self.commands.get(usize::from(number))?;
            if command.spec.name.as_bytes().eq_ignore_ascii_case(name) {
                return Some(command);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// A subcommand by name, in any case.
    pub fn find_subcommand(&self, container: &Command, name: &[u8]) -> Option<&Command> {
        container
            .subcommands
            .iter()
            .filter_map(|number| self.by_number(*number))
            .find(|sub| sub.spec.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// A command by its number.
    pub fn by_number(&self, number: u16) -> Option<&Command> {
        self.commands.get(usize::from(number))
    }

    /// All commands and subcommands.
    pub fn all(&self) -> &[Command] {
        &self.commands
    }

    /// All commands that are no subcommands.
    pub fn top_level(&self) -> impl Iterator<Item = &Command> {
        self.commands
            .iter()
            .filter(|command| command.container.is_none())
    }

    /// How many, subcommands included.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// Never: for clippy's sake.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }
}

#[inline]
fn hash(name: &[u8]) -> usize {
    let mut hash = 0xCBF2_9CE4u32;
    for byte in name {
        hash = (hash ^ u32::from(byte | 0x20)).wrapping_mul(0x0100_0193);
    }
    (hash ^ (hash >> 15)) as usize % SLOTS
}

impl Command {
    /// The keys of a call, by the key spec.
    pub fn keys<'a>(&self, argv: Argv<'a>) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let (first, last, step) = match self.spec.keys {
            KeySpec::Range {
                first, last, step, ..
            } => {
                let last = if last < 0 {
                    argv.len().saturating_sub(usize::from(last.unsigned_abs()))
                } else {
                    usize::from(last.unsigned_abs())
                };
                (usize::from(first), last, usize::from(step.max(1)))
            }
            KeySpec::None | KeySpec::All => (1, 0, 1),
        };
        let end = (last + 1).min(argv.len());
        (first..end.max(first))
            .step_by(step)
            .filter_map(move |index| argv.get(index))
    }
}
