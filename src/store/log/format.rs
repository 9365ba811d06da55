//! Headers, groups and seals to bytes and back. Reading is total: any bytes give a value or nothing,
//! nothing is allocated, and no length is believed before it is compared with what is there.

use crc32fast::Hasher;

use crate::types::WallMs;

/// The format that this program writes.
pub const VERSION: u32 = 1;
/// No payload is longer; a group takes one write call and one allocation to read.
pub const MAX_GROUP_BYTES: usize = u32::MAX as usize;

pub(super) const SEGMENT_MAGIC: [u8; 8] = *b"dynamlog";
pub(super) const HEADER_BYTES: usize = 44;
pub(super) const GROUP_HEADER_BYTES: usize = 32;
/// A seal with its payload.
pub(super) const SEAL_PAYLOAD_BYTES: usize = 28;

/// The head of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) salt: u32,
    pub(super) segment: u64,
    pub(super) first_sequence: u64,
    pub(super) created: WallMs,
}

/// Why a header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    Bad,
    UnknownVersion(u32),
}

/// What a group is; told by its magic, which is the segment's salt plus this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupKind {
    /// Entries.
    Data = 0,
    /// The end of a sealed segment.
    Seal = 1,
    /// Put in by `set_aside`: groups up to this sequence are lost, and an operator accepted it.
    Skip = 2,
}

/// A group whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'a> {
    pub(super) kind: GroupKind,
    pub(super) sequence: u64,
    pub(super) time: WallMs,
    pub(super) count: u32,
    pub(super) crc: u32,
    pub(super) payload: &'a [u8],
}

/// The counts that a seal carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) groups: u64,
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) chain: u32,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&SEGMENT_MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        out.extend_from_slice(&self.segment.to_le_bytes());
        out.extend_from_slice(&self.first_sequence.to_le_bytes());
        out.extend_from_slice(&self.created.0.to_le_bytes());
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, HeaderFault> {
        Self::verified(bytes)
            .ok_or(HeaderFault::Bad)
            .and_then(|(version, header)| {
                if version == VERSION {
                    Ok(header)
                } else {
                    Err(HeaderFault::UnknownVersion(version))
                }
            })
    }

    fn verified(bytes: &[u8]) -> Option<(u32, Self)> {
        let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (signed, crc) = header.split_last_chunk::<4>()?;
        let mut fields = Fields(signed.strip_prefix(&SEGMENT_MAGIC)?);
        if crc32fast::hash(signed) != u32::from_le_bytes(*crc) {
            return None;
        }
        let version = fields.u32()?;
        let salt = fields.u32()?;
        let [segment, first_sequence, created] = [fields.u64()?, fields.u64()?, fields.u64()?];
        if first_sequence == 0 || first_sequence == u64::MAX {
            return None; // no writer gives these to a group
        }
        Some((
            version,
            Self {
                salt,
                segment,
                first_sequence,
                created: WallMs(created),
            },
        ))
    }
}

/// The header of a group, and its checksum. The payload must not be longer than a `u32` tells.
pub(super) fn group_header(
    salt: u32,
    kind: GroupKind,
    sequence: u64,
    time: WallMs,
    count: u32,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> u32 {
    out.clear();
    out.extend_from_slice(&salt.wrapping_add(kind as u32).to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&time.0.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    let crc = checksum(out, payload);
    out.extend_from_slice(&crc.to_le_bytes());
    crc
}

/// The group at the start of `bytes`, if there is one and its checksum is right.
pub(super) fn parse_group(salt: u32, bytes: &[u8]) -> Option<Group<'_>> {
    let (header, rest) = bytes.split_first_chunk::<GROUP_HEADER_BYTES>()?;
    let (signed, crc) = header.split_last_chunk::<4>()?;
    let mut fields = Fields(signed);
    let kind = match fields.u32()?.wrapping_sub(salt) {
        0 => GroupKind::Data,
        1 => GroupKind::Seal,
        2 => GroupKind::Skip,
        _ => return None,
    };
    let [sequence, time] = [fields.u64()?, fields.u64()?];
    let [count, length] = [fields.u32()?, fields.u32()?];
    let payload = rest.get(..length as usize)?;
    let crc = u32::from_le_bytes(*crc);
    (checksum(signed, payload) == crc).then_some(Group {
        kind,
        sequence,
        time: WallMs(time),
        count,
        crc,
        payload,
    })
}

/// The offset of the next group at or after `from` with a sequence of at least `at_least`.
pub(super) fn find_group(salt: u32, bytes: &[u8], from: usize, at_least: u64) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let found = rest.windows(4).enumerate().find(|(offset, window)| {
        <[u8; 4]>::try_from(*window).is_ok_and(|magic| {
            u32::from_le_bytes(magic).wrapping_sub(salt) <= GroupKind::Skip as u32
        }) && rest
            .get(*offset..)
            .and_then(|bytes| parse_group(salt, bytes))
            .is_some_and(|group| group.sequence >= at_least)
    });
    found.map(|(offset, _)| from + offset)
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

impl Group<'_> {
    /// How many bytes it takes in the segment.
    pub(super) fn length(&self) -> usize {
        GROUP_HEADER_BYTES + self.payload.len()
    }
}

impl Seal {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEAL_PAYLOAD_BYTES);
        for count in [self.groups, self.entries, self.bytes] {
            out.extend_from_slice(&count.to_le_bytes());
        }
        out.extend_from_slice(&self.chain.to_le_bytes());
        out
    }
}

/// The running checksum of a segment: over the checksums of its groups, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain(Hasher);

impl Chain {
    pub(super) fn add(&mut self, crc: u32) {
        self.0.update(&crc.to_le_bytes());
    }

    pub(super) fn value(&self) -> u32 {
        self.0.clone().finalize()
    }
}

/// Little-endian integers, one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*bytes))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*bytes))
    }
}
