//! The request reader before a stranger: no bytes may make it panic, and how the network cuts them
//! may not change what is read.
//!
//! The first byte of an input chooses the limits, the second the length of the pieces; the rest is
//! what the client sends.

#![no_main]

use dynamo::resp::{
    Limits, OwnedArgv, Progress, ProtocolError, Request, RequestReader, looks_like_http,
};
use libfuzzer_sys::fuzz_target;

type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

fn read(stream: &[u8], piece: usize, limits: &Limits) -> Outcome {
    let mut reader = RequestReader::new();
    let mut request = Request::new();
    let mut requests = Vec::new();
    let (mut start, mut end) = (0, 0);
    loop {
        let buffer = &stream[start..end];
        match reader.next(buffer, limits, &mut request) {
            Err(error) => return (requests, Some(error)),
            Ok(Progress::Complete { consumed }) => {
                assert!(0 < consumed && consumed <= buffer.len());
                let argv = request.argv(buffer);
                assert!(argv.len() <= limits.args);
                assert!(argv.iter().map(<[u8]>::len).sum::<usize>() <= consumed);
                let owned = OwnedArgv::from(argv);
                assert!(argv.iter().eq(owned.argv().iter()));
                assert_eq!(looks_like_http(argv), looks_like_http(owned.argv()));
                requests.push(argv.iter().map(<[u8]>::to_vec).collect());
                start += consumed;
            }
            Ok(Progress::Incomplete { missing }) => {
                assert!(missing > 0);
                if end == stream.len() {
                    return (requests, None);
                }
                end = stream.len().min(end + piece);
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let [choice, piece, stream @ ..] = input else {
        return;
    };
    let limits = match choice % 3 {
        0 => Limits::trusted(512 * 1024 * 1024),
        1 => Limits::trusted(64),
        _ => Limits::unauthenticated(),
    };
    let whole = read(stream, stream.len().max(1), &limits);
    let pieces = read(stream, usize::from(*piece).max(1), &limits);
    assert_eq!(whole, pieces);
});
