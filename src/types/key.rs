//! From a key to its slot: CRC16 of the hash tag, as the Redis Cluster specification defines it, so
//! that a stock cluster client and we agree about who owns a key.

use super::Slot;

/// Number of slots of a Redis Cluster.
pub const SLOTS: u16 = 16_384;

/// Redis's `proto-max-bulk-len`: no key and no value is longer.
pub const MAX_BULK_BYTES: usize = 512 * 1024 * 1024;

/// CRC16-XMODEM (polynomial 0x1021, start 0), eight tables for eight bytes a step.
const TABLES: [[u16; 256]; 8] = tables();

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler; a wrong index does not compile"
)]
const fn tables() -> [[u16; 256]; 8] {
    let mut tables = [[0u16; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut crc = (i as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            };
            bit += 1;
        }
        tables[0][i] = crc;
        i += 1;
    }
    let mut t = 1;
    while t < 8 {
        let mut i = 0;
        while i < 256 {
            let previous = tables[t - 1][i];
            tables[t][i] = (previous << 8) ^ tables[0][(previous >> 8) as usize];
            i += 1;
        }
        t += 1;
    }
    tables
}

/// CRC16-XMODEM of `bytes`, the checksum of the Redis Cluster specification.
#[allow(
    clippy::indexing_slicing,
    reason = "a u8 indexes a table of 256; hot path"
)]
pub fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0u16;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for c in chunks {
        let [high, low] = crc.to_be_bytes();
        crc = TABLES[7][usize::from(c[0] ^ high)]
            ^ TABLES[6][usize::from(c[1] ^ low)]
            ^ TABLES[5][usize::from(c[2])]
            ^ TABLES[4][usize::from(c[3])]
            ^ TABLES[3][usize::from(c[4])]
            ^ TABLES[2][usize::from(c[5])]
            ^ TABLES[1][usize::from(c[6])]
            ^ TABLES[0][usize::from(c[7])];
    }
    for &b in rest {
        crc = (crc << 8) ^ TABLES[0][usize::from((crc >> 8) as u8 ^ b)];
    }
    crc
}

/// The part of a key that decides its slot: what stands between the first `{` and the next `}`, when
/// there is something between them; otherwise the whole key.
pub fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = memchr::memchr(b'{', key) else {
        return key;
    };
    let inside = key.get(open + 1..).unwrap_or_default();
    match memchr::memchr(b'}', inside) {
        None | Some(0) => key,
        Some(close) => inside.get(..close).unwrap_or_default(),
    }
}

/// The slot of a key.
pub fn slot_of(key: &[u8]) -> Slot {
    Slot(crc16(hash_tag(key)) % SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc16_gives_the_specifications_vector() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
    }

    #[test]
    fn eight_at_a_step_is_one_at_a_step() {
        let bytes: Vec<u8> = (0..100u8).map(|i| i.wrapping_mul(37)).collect();
        for end in 0..bytes.len() {
            let slow = bytes[..end].iter().fold(0u16, |crc, &b| {
                (crc << 8) ^ TABLES[0][usize::from((crc >> 8) as u8 ^ b)]
            });
            assert_eq!(crc16(&bytes[..end]), slow);
        }
    }

    #[test]
    fn hash_tags_follow_redis_cluster() {
        assert_eq!(hash_tag(b"{user1000}.following"), b"user1000");
        assert_eq!(hash_tag(b"foo{}{bar}"), b"foo{}{bar}");
        assert_eq!(hash_tag(b"foo{{bar}}zap"), b"{bar");
        assert_eq!(hash_tag(b"foo{bar}{zap}"), b"bar");
        assert_eq!(slot_of(b"foo"), Slot(12_182));
    }
}
