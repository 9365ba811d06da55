//! Layout encoding, version 1. Frozen: `tests/fixtures/layout_v1_*.hex` must open for ever.
//!
//! ```text
//!  version 1 (1)   number (8)   parent's hash (16)   n (1)   partitions (2)   members (2)
//!  each member, by id:   id (16)   capacity, thousandths (4)   zone's length (1)   zone
//!  each partition:   min(n, members) owners, places in the list of members (2 each)
//! ```
//!
//! Integers are little-endian and of fixed width, so that a layout has one spelling only. Decoding is
//! total and says that the bytes *are* a layout; whether it is a good one, [`Layout::validate`] says.

use thiserror::Error;

use super::{
    Capacity, Layout, MEMBERS_MAX, Member, PARTITIONS_MAX, PARTITIONS_MIN, ZONE_BYTES_MAX,
};
use crate::types::NodeId;

const VERSION: u8 = 1;

/// Why bytes are no layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadLayout {
    /// There should be more of them.
    #[error("the layout ends too early")]
    Truncated,
    /// There should be fewer.
    #[error("bytes follow the layout")]
    Trailing,
    /// Written by a later program.
    #[error("layout version {0} is not known here")]
    Version(u8),
    /// A field holds what no layout has; its name is inside.
    #[error("the layout's {0} cannot be")]
    Field(&'static str),
}

/// Appends the encoded layout.
pub fn encode(layout: &Layout, out: &mut Vec<u8>) {
    out.push(VERSION);
    out.extend_from_slice(&layout.number.to_le_bytes());
    out.extend_from_slice(&layout.parent);
    out.push(layout.n);
    out.extend_from_slice(&layout.partitions.to_le_bytes());
    out.extend_from_slice(&(layout.members.len() as u16).to_le_bytes());
    for member in &layout.members {
        out.extend_from_slice(&member.id.0.to_le_bytes());
        out.extend_from_slice(&member.capacity.thousandths().to_le_bytes());
        // Whoever makes a layout has checked the length: claim, found and decode.
        debug_assert!(member.zone.len() <= ZONE_BYTES_MAX);
        out.push(member.zone.len() as u8);
        out.extend_from_slice(member.zone.as_bytes());
    }
    for owner in &layout.owners {
        out.extend_from_slice(&owner.to_le_bytes());
    }
}

/// Reads a layout that fills `bytes` exactly.
pub fn decode(bytes: &[u8]) -> Result<Layout, BadLayout> {
    let mut reader = Reader { rest: bytes };
    let version = u8::from_le_bytes(reader.array()?);
    if version != VERSION {
        return Err(BadLayout::Version(version));
    }
    let number = u64::from_le_bytes(reader.array()?);
    let parent = reader.array()?;
    let n = u8::from_le_bytes(reader.array()?);
    let partitions = u16::from_le_bytes(reader.array()?);
    require(number > 0, "number")?;
    require(n > 0, "n")?;
    let in_range = (PARTITIONS_MIN..=PARTITIONS_MAX).contains(&partitions);
    require(in_range && partitions.is_power_of_two(), "partitions")?;
    let members = members(&mut reader)?;
    let replicas = members.len().min(n.into()) as u16;
    // At most 4096 * 255 owners, and the bytes must be there before anything is allocated.
    let count = usize::from(partitions) * usize::from(replicas);
    let owners = reader.take(count * 2)?;
    let owners = owners.as_chunks::<2>().0.iter();
    let owners: Box<[u16]> = owners.map(|owner| u16::from_le_bytes(*owner)).collect();
    let known = owners
        .iter()
        .all(|owner| usize::from(*owner) < members.len());
    require(known, "owner")?;
    if !reader.rest.is_empty() {
        return Err(BadLayout::Trailing);
    }
    let layout = Layout {
        number,
        parent,
        n,
        partitions,
        members: members.into(),
        replicas,
        owners,
        hash: [0; 16],
    };
    Ok(layout.hashed())
}

fn members(reader: &mut Reader<'_>) -> Result<Vec<Member>, BadLayout> {
    let count = usize::from(u16::from_le_bytes(reader.array()?));
    require((1..=MEMBERS_MAX).contains(&count), "number of members")?;
    let mut members: Vec<Member> = Vec::new();
    for _ in 0..count {
        let id = NodeId(u128::from_le_bytes(reader.array()?));
        let sorted = members.last().is_none_or(|before| before.id < id);
        require(sorted, "order of members")?;
        let capacity = Capacity::new(u32::from_le_bytes(reader.array()?));
        let capacity = capacity.ok_or(BadLayout::Field("capacity"))?;
        let length = u8::from_le_bytes(reader.array()?);
        let zone = str::from_utf8(reader.take(length.into())?);
        let zone = zone.map_err(|_| BadLayout::Field("zone"))?.into();
        members.push(Member { id, zone, capacity });
    }
    Ok(members)
}

fn require(holds: bool, field: &'static str) -> Result<(), BadLayout> {
    if holds {
        Ok(())
    } else {
        Err(BadLayout::Field(field))
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], BadLayout> {
        let split = self.rest.split_at_checked(count);
        let (taken, rest) = split.ok_or(BadLayout::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadLayout> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(BadLayout::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }
}
