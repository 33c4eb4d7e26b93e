//! The rows of a library by the names of what is called: most calls of a program are none of a library's.

use rustc_hash::FxHashMap;

use super::Library;

/// A row that a call of some name may fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowAt {
    /// A transaction or lock that is opened, or ended, by its position.
    Region(usize),
    /// A call.
    Call(usize),
    /// A call that only makes a value.
    Expr(usize),
}

/// The rows by name, each name's in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    rows: FxHashMap<String, Vec<RowAt>>,
}

impl Index {
    /// The index of all rows that a library has.
    pub fn of(library: &Library) -> Self {
        let mut index = Self::default();
        for (at, row) in library.regions.iter().enumerate() {
            let patterns = [&row.open].into_iter().chain(&row.commit).chain(&row.abort);
            patterns.for_each(|pattern| index.add(pattern.names(), RowAt::Region(at)));
        }
        for (at, row) in library.calls.iter().enumerate() {
            index.add(row.on.names(), RowAt::Call(at));
        }
        for (at, row) in library.exprs.iter().enumerate() {
            index.add(row.on.names(), RowAt::Expr(at));
        }
        index
    }

    fn add<'n>(&mut self, names: impl Iterator<Item = &'n str>, row: RowAt) {
        for name in names {
            let rows = self.rows.entry(name.to_owned()).or_default();
            if rows.last() != Some(&row) {
                rows.push(row);
            }
        }
    }

    /// The rows of a name.
    pub fn named(&self, name: &str) -> &[RowAt] {
        self.rows.get(name).map_or(&[], Vec::as_slice)
    }
}
