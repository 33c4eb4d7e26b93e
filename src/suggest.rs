//! "Did you mean": the known name nearest to a mistyped one.

/// The candidate nearest to `name`, if one is near enough that a slip of the hand explains the difference.
#[must_use]
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.to_lowercase().replace('_', "-").chars().collect();
    let limit = (name.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The number of insertions, deletions, replacements and swaps of neighbours between two names.
fn distance(left: &[char], right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().replace('_', "-").chars().collect();
    let mut before_last = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &a) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, &b) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(a != b);
            let mut best = replaced.min(last[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && a == right[column - 1] && left[row - 1] == b {
                best = best.min(before_last[column - 1] + 1);
            }
            line.push(best);
        }
        before_last = std::mem::replace(&mut last, line);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        let known = ["find-then-create", "lost-update", "all"];
        assert_eq!(closest("find-than-create", known), Some("find-then-create"));
        assert_eq!(closest("find_then_create", known), Some("find-then-create"));
        assert_eq!(closest("lost-updaet", known), Some("lost-update"));
        assert_eq!(closest("double-spend", known), None);
        assert_eq!(closest("al", known), Some("all"));
        assert_eq!(closest("", known), None);
        assert_eq!(closest("row_key", ["when", "rows_key"]), Some("rows_key"));
    }
}
