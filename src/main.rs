//! The `toctou` binary.

fn main() {}
