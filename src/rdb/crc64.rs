//! The CRC-64 of RDB files: the Jones polynomial, bits reflected, no initial or final inversion.

/// The polynomial, least significant bit first.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// `TABLES[k][b]` is what byte `b` contributes when `k` more bytes follow it in its group of 8.
static TABLES: [[u64; 256]; 8] = tables();

/// The checksum of `bytes`.
#[allow(
    clippy::indexing_slicing,
    reason = "8 tables of 256 entries, indexed by bytes"
)]
pub fn checksum(bytes: &[u8]) -> u64 {
    let mut crc = 0_u64;
    let (groups, rest) = bytes.as_chunks::<8>();
    for group in groups {
        let mixed = (crc ^ u64::from_le_bytes(*group)).to_le_bytes();
        crc = 0;
        for (table, byte) in TABLES.iter().rev().zip(mixed) {
            crc ^= table[usize::from(byte)];
        }
    }
    for byte in rest {
        crc = TABLES[0][usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8);
    }
    crc
}

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0_u64; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ POLYNOMIAL
            } else {
                crc >> 1
            };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut following = 1;
    while following < 8 {
        byte = 0;
        while byte < 256 {
            let crc = tables[following - 1][byte];
            tables[following][byte] = tables[0][(crc & 0xff) as usize] ^ (crc >> 8);
            byte += 1;
        }
        following += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn has_the_check_value_of_redis() {
        assert_eq!(checksum(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(checksum(b""), 0);
    }

    proptest! {
        #[test]
        fn agrees_with_one_bit_at_a_time(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut crc = 0_u64;
            for byte in &bytes {
                crc ^= u64::from(*byte);
                for _ in 0..8 {
                    crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
                }
            }
            prop_assert_eq!(checksum(&bytes), crc);
        }
    }
}
