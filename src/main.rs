//! The `dynamo` binary.

fn main() {}
