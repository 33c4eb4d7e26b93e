//! The advice that follows a mistyped word of a library file.

use crate::suggest::closest;

/// `; did you mean …?` or, where nothing is near, a list of what there is.
pub(super) fn hint(word: &str, candidates: &[&str]) -> String {
    match closest(word, candidates.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if candidates.is_empty() => String::new(),
        None => {
            format!("; there are {}", candidates.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn names_the_near_word_or_all_there_are() {
        assert_eq!(hint("delet", &["create", "delete"]), "; did you mean `delete`?");
        assert_eq!(hint("zzz", &["one", "two"]), "; there are `one`, `two`");
        assert_eq!(hint("zzz", &[]), "");
    }
}
