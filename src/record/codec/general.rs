//! The general form of the record encoding: any history, any cells.

use bytes::Bytes;
use smallvec::SmallVec;

use super::{CodecError, EXPIRY, FORMAT, STAMP, TOMBSTONE};
use crate::record::{Cell, Kind, Record, Version};
use crate::types::{ActorIndex, Hlc, WallMs};
use crate::version::wire::{Reader, put_intervals, put_varint};
use crate::version::{Dot, History, Interval};

pub(super) fn encode(record: &Record, out: &mut Vec<u8>) {
    out.extend_from_slice(&[FORMAT, 0]);
    encode_history(record.history(), out);
    put_varint(out, record.cells().len() as u64);
    for cell in record.cells() {
        out.push(cell.kind as u8);
        put_varint(out, cell.element.len() as u64);
        out.extend_from_slice(&cell.element);
        put_varint(out, cell.versions.len() as u64);
        for version in &cell.versions {
            encode_version(version, out);
        }
    }
}

fn encode_history(history: &History, out: &mut Vec<u8>) {
    let mut groups: SmallVec<[(ActorIndex, SmallVec<[Interval; 2]>); 4]> = SmallVec::new();
    for (actor, interval) in history.iter() {
        match groups.last_mut() {
            Some(group) if group.0 == actor => group.1.push(interval),
            _ => groups.push((actor, SmallVec::from_slice(&[interval]))),
        }
    }
    put_varint(out, groups.len() as u64);
    for (actor, intervals) in &groups {
        put_varint(out, u64::from(actor.0));
        put_intervals(out, intervals);
    }
}

fn encode_version(version: &Version, out: &mut Vec<u8>) {
    let mut flags = 0;
    if version.expiry.is_some() {
        flags |= EXPIRY;
    }
    if version.value.is_none() {
        flags |= TOMBSTONE;
    }
    if version.stamp != version.dot.hlc {
        flags |= STAMP;
    }
    out.push(flags);
    put_varint(out, u64::from(version.dot.actor.0));
    put_varint(out, version.dot.hlc.0);
    if let Some(expiry) = version.expiry {
        put_varint(out, expiry.0);
    }
    if version.stamp != version.dot.hlc {
        put_varint(out, version.stamp.0);
    }
    if let Some(value) = &version.value {
        put_varint(out, value.len() as u64);
        out.extend_from_slice(value);
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Record, CodecError> {
    let mut reader = Reader::new(bytes);
    // The caller has peeked at the format and the flags.
    reader.bytes(2)?;
    let history = decode_history(&mut reader)?;
    // Nothing is reserved by a count: each cell grows the list only once its bytes were read.
    let mut cells: Vec<Cell> = Vec::new();
    for _ in 0..reader.varint()? {
        let cell = decode_cell(&mut reader)?;
        if let Some(last) = cells.last()
            && (last.kind, &last.element) >= (cell.kind, &cell.element)
        {
            return Err(CodecError::NotCanonical);
        }
        cells.push(cell);
    }
    if !reader.is_empty() {
        return Err(CodecError::NotCanonical);
    }
    Ok(Record { history, cells })
}

fn decode_history(reader: &mut Reader<'_>) -> Result<History, CodecError> {
    let mut history = History::default();
    let mut previous: Option<ActorIndex> = None;
    for _ in 0..reader.varint()? {
        let actor = decode_actor(reader)?;
        if previous.is_some_and(|previous| actor <= previous) {
            return Err(CodecError::NotCanonical);
        }
        previous = Some(actor);
        reader.intervals(|interval| history.insert(actor, interval))?;
    }
    Ok(history)
}

fn decode_actor(reader: &mut Reader<'_>) -> Result<ActorIndex, CodecError> {
    let index = u32::try_from(reader.varint()?).map_err(|_| CodecError::Unknown)?;
    Ok(ActorIndex(index))
}

fn decode_cell(reader: &mut Reader<'_>) -> Result<Cell, CodecError> {
    let kind = Kind::from_code(reader.byte()?).ok_or(CodecError::Unknown)?;
    let length = reader.varint()?;
    let element = Bytes::copy_from_slice(reader.bytes(length)?);
    let count = reader.varint()?;
    if count == 0 {
        return Err(CodecError::NotCanonical);
    }
    let mut versions: SmallVec<[Version; 1]> = SmallVec::new();
    for _ in 0..count {
        let version = decode_version(reader)?;
        if versions.last().is_some_and(|last| last.dot >= version.dot) {
            return Err(CodecError::NotCanonical);
        }
        versions.push(version);
    }
    Ok(Cell {
        kind,
        element,
        versions,
    })
}

fn decode_version(reader: &mut Reader<'_>) -> Result<Version, CodecError> {
    let flags = reader.byte()?;
    if flags & !(EXPIRY | TOMBSTONE | STAMP) != 0 {
        return Err(CodecError::Unknown);
    }
    let actor = decode_actor(reader)?;
    let dot = Dot::new(actor, Hlc(reader.varint()?));
    let mut expiry = None;
    if flags & EXPIRY != 0 {
        expiry = Some(WallMs(reader.varint()?));
    }
    let mut stamp = dot.hlc;
    if flags & STAMP != 0 {
        stamp = Hlc(reader.varint()?);
        if stamp == dot.hlc {
            return Err(CodecError::NotCanonical);
        }
    }
    let mut value = None;
    if flags & TOMBSTONE == 0 {
        let length = reader.varint()?;
        value = Some(Bytes::copy_from_slice(reader.bytes(length)?));
    }
    Ok(Version {
        dot,
        stamp,
        expiry,
        value,
    })
}
