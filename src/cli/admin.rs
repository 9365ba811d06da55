//! `dynamo admin`: one command to a running node, its answer for people or as JSON, and an exit code
//! for scripts.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;

use super::AdminArgs;

/// A node that says nothing for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer that is read: an operator's answer is text.
const ANSWER_MAX: usize = 256 << 20;

/// Verbs that stand under RING on the wire.
const RING: [&str; 17] = [
    "status",
    "map",
    "owners",
    "explain",
    "stage",
    "plan",
    "commit",
    "clear",
    "transfers",
    "hints",
    "aae",
    "repair",
    "drain",
    "undrain",
    "lost",
    "backup",
    "doctor",
];

/// The code of an answer that tells of trouble.
const DEGRADED: u8 = 2;

pub(super) fn admin(args: &AdminArgs) -> anyhow::Result<ExitCode> {
    let mut stream = connect(&args.addr)?;
    let password = args.password.clone();
    if let Some(password) = password.or_else(|| std::env::var("REDISCLI_AUTH").ok()) {
        let answer = ask(&mut stream, &["AUTH".to_owned(), password])?;
        if let OwnedFrame::Error(text) = answer {
            bail!("{text}");
        }
    }
    let answer = ask(&mut stream, &on_the_wire(&args.verb))?;
    if let OwnedFrame::Error(text) = &answer
        && !args.json
    {
        bail!("{text}");
    }
    let mut out = String::new();
    if args.json {
        write_json(&mut out, &answer);
    } else {
        write_text(&mut out, &answer, 0);
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(match &answer {
        OwnedFrame::Error(_) => ExitCode::FAILURE,
        answer if is_degraded(answer) => ExitCode::from(DEGRADED),
        _ => ExitCode::SUCCESS,
    })
}

fn connect(address: &str) -> anyhow::Result<TcpStream> {
    let failed = || format!("cannot reach {address}");
    let found = address.to_socket_addrs().with_context(failed)?.next();
    let found = found.with_context(failed)?;
    let stream = TcpStream::connect_timeout(&found, PATIENCE).with_context(failed)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The command that a verb stands for.
fn on_the_wire(verb: &[String]) -> Vec<String> {
    let is_ring = verb
        .first()
        .is_some_and(|first| RING.contains(&first.to_ascii_lowercase().as_str()));
    let prefix = is_ring.then(|| "RING".to_owned());
    prefix.into_iter().chain(verb.iter().cloned()).collect()
}

fn ask(stream: &mut TcpStream, command: &[String]) -> anyhow::Result<OwnedFrame> {
    let mut request = format!("*{}\r\n", command.len());
    for part in command {
        // Writing to a string does not fail.
        let _ = write!(request, "${}\r\n{part}\r\n", part.len());
    }
    stream
        .write_all(request.as_bytes())
        .context("the node is gone")?;
    let mut answer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        if let Some((frame, _)) = decode(&answer).context("this is no RESP server")? {
            return Ok(frame);
        }
        let count = stream.read(&mut chunk).context("no answer")?;
        if count == 0 {
            bail!("the node closed the connection without an answer");
        }
        answer.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if answer.len() > ANSWER_MAX {
            bail!("the answer is longer than {ANSWER_MAX} bytes");
        }
    }
}

/// Does an INFO tell that the node does not take writes?
fn is_degraded(answer: &OwnedFrame) -> bool {
    let OwnedFrame::BulkString(text) = answer else {
        return false;
    };
    String::from_utf8_lossy(text).lines().any(|line| {
        line == "disk_full:1"
            || line
                .strip_prefix("log_failed:")
                .is_some_and(|reason| reason != "no")
    })
}

fn write_text(out: &mut String, frame: &OwnedFrame, depth: usize) {
    match frame {
        OwnedFrame::SimpleString(text) | OwnedFrame::BulkString(text) => {
            out.push_str(&String::from_utf8_lossy(text).replace("\r\n", "\n"));
        }
        OwnedFrame::Error(text) => out.push_str(text),
        OwnedFrame::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        OwnedFrame::Null => out.push_str("(nil)"),
        OwnedFrame::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    let _ = write!(out, "\n{:indent$}", "", indent = depth * 2);
                }
                if matches!(item, OwnedFrame::Array(_)) {
                    out.push_str("- ");
                }
                write_text(out, item, depth + 1);
            }
        }
    }
}

fn write_json(out: &mut String, frame: &OwnedFrame) {
    match frame {
        OwnedFrame::BulkString(text) if text.starts_with(b"# ") => {
            write_info(out, &String::from_utf8_lossy(text));
        }
        OwnedFrame::SimpleString(text) | OwnedFrame::BulkString(text) => {
            write_string(out, &String::from_utf8_lossy(text));
        }
        OwnedFrame::Error(text) => {
            out.push_str("{\"error\":");
            write_string(out, text);
            out.push('}');
        }
        OwnedFrame::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        OwnedFrame::Null => out.push_str("null"),
        OwnedFrame::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(out, item);
            }
            out.push(']');
        }
    }
}

/// INFO: an object of sections, each an object of texts.
fn write_info(out: &mut String, text: &str) {
    out.push('{');
    let mut section = "";
    let mut fields = 0;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            out.push_str(if section.is_empty() { "" } else { "}," });
            write_string(out, name);
            out.push_str(":{");
            section = name;
            fields = 0;
        } else if let Some((name, value)) = line.split_once(':') {
            out.push_str(if fields == 0 { "" } else { "," });
            write_string(out, name);
            out.push(':');
            write_string(out, value);
            fields += 1;
        }
    }
    out.push_str("}}");
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(wire: &str) -> String {
        let (frame, _) = decode(wire.as_bytes()).expect("RESP").expect("whole");
        let mut out = String::new();
        write_json(&mut out, &frame);
        out
    }

    #[test]
    fn answers_are_json() {
        assert_eq!(
            json("*3\r\n:1\r\n$-1\r\n$3\r\na\"\n\r\n"),
            "[1,null,\"a\\\"\\u000a\"]"
        );
        assert_eq!(json("-ERR no\r\n"), "{\"error\":\"ERR no\"}");
        let info = "# A\r\nx:1\r\ny:2\r\n\r\n# B\r\nz:3\r\n";
        let wire = format!("${}\r\n{info}\r\n", info.len());
        assert_eq!(
            json(&wire),
            "{\"A\":{\"x\":\"1\",\"y\":\"2\"},\"B\":{\"z\":\"3\"}}"
        );
    }

    #[test]
    fn verbs_of_the_ring_are_its_subcommands() {
        let wire = |verb: &str| on_the_wire(&[verb.to_owned()]).join(" ");
        assert_eq!(wire("Status"), "RING Status");
        assert_eq!(wire("info"), "info");
    }

    #[test]
    fn a_node_that_takes_no_writes_is_degraded() {
        let info = |text: &str| is_degraded(&OwnedFrame::BulkString(text.as_bytes().to_vec()));
        assert!(info("# Dynamo\r\nlog_failed:EIO\r\n") && info("disk_full:1\r\n"));
        assert!(!info("log_failed:no\r\ndisk_full:0\r\n"));
    }
}
