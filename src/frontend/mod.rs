//! Front ends: one per language, from text to the IR. Parser types end here.

mod comments;
mod graph;
pub mod rust;
mod scope;
pub mod typescript;
mod value;

use crate::ir::Unit;

/// How large a stack files are lowered on, in bytes: deeply nested code is read by recursion, up to limits that this is
/// enough for. Only the part that is used costs memory.
pub const STACK: usize = 256 << 20;

/// Lowers a file with the front end that its name asks for; `None` where no front end reads such files.
#[must_use]
pub fn lower(path: &str, text: &str) -> Option<Unit> {
    let (_, extension) = path.rsplit_once('.')?;
    match extension {
        "rs" => Some(rust::lower(path, text)),
        "ts" | "mts" | "cts" | "tsx" | "js" | "mjs" | "cjs" | "jsx" => Some(typescript::lower(path, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::lower;

    #[test]
    fn the_name_decides() {
        let is_read = |path: &str| lower(path, "f();").is_some();
        assert!(
            ["a.ts", "a.d.ts", "b/a.tsx", "a.mts", "a.cts", "a.js", "a.jsx", "a.mjs", "a.cjs"].into_iter().all(is_read)
        );
        assert!(!["rs", "ts", "a.json", "a.ts.bak", "Makefile"].into_iter().any(is_read));
    }

    #[test]
    fn assertions_are_read_in_plain_typescript_and_elements_elsewhere() {
        assert!(lower("a.ts", "const x = <T>y;").is_some_and(|unit| unit.problems.is_empty()));
        assert!(lower("a.js", "const x = <T>y</T>;").is_some_and(|unit| unit.problems.is_empty()));
    }
}
