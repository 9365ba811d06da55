//! Replies of other nodes, and of this one, as a connection looks into them: RESP2, which every part of a
//! command over many nodes is asked in.

use crate::resp::reply_length;

/// One reply, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// `+OK`, without its sign.
    Simple(Vec<u8>),
    /// `-ERR`, whole, as it came.
    Error(Vec<u8>),
    /// An integer.
    Integer(i64),
    /// A bulk string; `None`: nil.
    Bulk(Option<Vec<u8>>),
    /// An array.
    Array(Vec<Self>),
}

/// The first reply of these bytes and what follows it.
pub(super) fn take(bytes: &[u8]) -> Option<(Told, &[u8])> {
    let length = reply_length(bytes)?;
    let (reply, after) = bytes.split_at_checked(length)?;
    let end = memchr::memmem::find(reply, b"\r\n")?;
    let (line, body) = (reply.get(1..end)?, reply.get(end + 2..)?);
    let number = || std::str::from_utf8(line).ok()?.parse::<i64>().ok();
    let told = match reply.first()? {
        b'+' => Told::Simple(line.to_vec()),
        b'-' => Told::Error(reply.to_vec()),
        b':' => Told::Integer(number()?),
        b'$' => match usize::try_from(number()?) {
            Ok(length) => Told::Bulk(Some(body.get(..length)?.to_vec())),
            Err(_) => Told::Bulk(None),
        },
        b'*' => {
            let (mut left, mut all) = (body, Vec::new());
            for _ in 0..number()?.max(0) {
                let (one, rest) = take(left)?;
                all.push(one);
                left = rest;
            }
            Told::Array(all)
        }
        _ => return None,
    };
    Some((told, after))
}

/// All replies of these bytes.
pub(super) fn take_all(mut bytes: &[u8]) -> Vec<Told> {
    let mut all = Vec::new();
    while let Some((one, rest)) = take(bytes) {
        all.push(one);
        bytes = rest;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_come_apart() {
        let bytes = b"+OK\r\n:-4\r\n*2\r\n$1\r\na\r\n*1\r\n$-1\r\n-ERR no\r\n$3\r\ncut";
        let told = take_all(bytes);
        let nested = Told::Array(vec![Told::Bulk(None)]);
        let wanted = [
            Told::Simple(b"OK".to_vec()),
            Told::Integer(-4),
            Told::Array(vec![Told::Bulk(Some(b"a".to_vec())), nested]),
            Told::Error(b"-ERR no\r\n".to_vec()),
        ];
        assert_eq!(told, wanted);
    }
}
