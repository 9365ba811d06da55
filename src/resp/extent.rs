//! Where a reply ends: for whoever passes replies on and does not look into them.

/// Bytes of the first reply: a value, or a collection with all that it holds.
pub fn reply_length(bytes: &[u8]) -> Option<usize> {
    let mut open = 1u64;
    let mut left = bytes;
    while open > 0 {
        let (line, rest) = split_line(left)?;
        open -= 1;
        left = rest;
        let size = || u64::try_from(number(line)).unwrap_or(0);
        match line.first()? {
            b'$' | b'=' | b'!' if number(line) >= 0 => {
                left = left.get(usize::try_from(size()).ok()? + 2..)?;
            }
            b'*' | b'~' | b'>' => open += size(),
            b'%' | b'|' => open += 2 * size(),
            _ => {}
        }
    }
    Some(bytes.len() - left.len())
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memmem::find(bytes, b"\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 2..)?))
}

fn number(line: &[u8]) -> i64 {
    let digits = line
        .get(1..)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_reply_is_measured_whole() {
        let nested = b"*2\r\n$1\r\nc\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\nrest";
        assert_eq!(reply_length(nested), Some(nested.len() - 4));
        assert_eq!(reply_length(b"*2\r\n$1\r\nc\r\n"), None);
        assert_eq!(reply_length(b"%1\r\n+a\r\n:1\r\n+b\r\n"), Some(12));
        assert_eq!(reply_length(b"$-1\r\n"), Some(5));
    }
}
