//! The files as written: what `rules/libraries/README.md` documents, key by key.
//!
//! These structs only say which keys there are and what type each has; patterns and names are still text, and
//! [`super::load`] checks them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use toml::Spanned;

use super::{
    ErrorKind, Given, Meaning, Missing, NameForm, OnConflict, Place, RegionForm, Requirement, RowLock, Rows, StepRow,
    Verb,
};

/// Text and where it stands.
pub(super) type Text = Spanned<String>;
/// Names and what they mean.
pub(super) type Words = BTreeMap<Text, Text>;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub lib: LibTable,
    #[serde(default)]
    pub types: BTreeMap<Text, TypeTable>,
    #[serde(default)]
    pub call: Vec<CallTable>,
    #[serde(default)]
    pub expr: Vec<ExprTable>,
    #[serde(default)]
    pub region: Vec<RegionTable>,
    #[serde(default)]
    pub effect: Vec<EffectTable>,
    #[serde(default)]
    pub exit: Vec<ExitTable>,
    #[serde(default)]
    pub pipeline: Vec<PipelineTable>,
    #[serde(default)]
    pub error_handler: Vec<ErrorHandlerTable>,
    #[serde(default)]
    pub error: Vec<ErrorTable>,
    #[serde(default)]
    pub names: NamesTable,
    #[serde(default)]
    pub filter: FilterTable,
    #[serde(default)]
    pub data: DataTable,
    #[serde(default)]
    pub remedy: Vec<RemedyTable>,
}

/// `[lib]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LibTable {
    pub id: Option<Text>,
    pub extends: Option<Text>,
    pub language: Option<Text>,
    #[serde(default)]
    pub detect: Vec<String>,
    pub lazy: Option<bool>,
}

/// `[types.<name>]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TypeTable {
    #[serde(default)]
    pub is: Texts,
    pub like: Option<Text>,
    pub transaction: Option<bool>,
    pub entity_members: Option<bool>,
    pub isolation: Option<Text>,
    pub query: Option<bool>,
    pub column: Option<bool>,
    pub holder: Option<bool>,
    pub held: Option<bool>,
    pub pool: Option<bool>,
    pub condition: Option<bool>,
}

/// `[[call]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CallTable {
    pub on: Texts,
    pub verb: Option<Verb>,
    pub place: Option<Place>,
    pub result: Option<Given>,
    pub rows: Option<Rows>,
    pub missing: Option<Missing>,
    pub key: Option<Text>,
    pub set: Option<Text>,
    pub create: Option<Text>,
    pub skip_conflicts: Option<Text>,
    pub limit: Option<Text>,
    pub skip: Option<Text>,
    pub order: Option<Text>,
    #[serde(default)]
    pub reads: Texts,
    #[serde(default)]
    pub aggregates: BTreeMap<String, Text>,
    pub affected: Option<Text>,
    pub sql: Option<Text>,
    pub bind: Option<Text>,
    pub binds: Option<Text>,
    pub scalar: Option<bool>,
    pub gives: Option<Text>,
    pub run: Option<bool>,
    pub handle: Option<Text>,
    pub entity: Option<Text>,
    pub find: Option<Text>,
    pub from: Option<Text>,
    pub related: Option<Text>,
    pub keyless: Option<Verb>,
    pub select: Option<Text>,
    pub exists: Option<bool>,
    pub map: Option<Text>,
    pub column: Option<Text>,
    pub hole: Option<Text>,
    pub in_place: Option<bool>,
    pub lock: Option<RowLock>,
    pub conflict: Option<OnConflict>,
    pub isolation: Option<Text>,
    pub lazy: Option<bool>,
    pub native: Option<NativeTable>,
    #[serde(default)]
    pub steps: Vec<StepRow>,
}

/// `native = { … }` of a call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct NativeTable {
    #[serde(default)]
    pub engines: Vec<Text>,
    #[serde(default)]
    pub requires: Vec<Requirement>,
}

/// `[[expr]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ExprTable {
    pub on: Texts,
    pub means: Meaning,
}

/// `[[region]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RegionTable {
    pub open: Texts,
    pub form: RegionForm,
    pub body: Option<Text>,
    pub handle: Option<usize>,
    pub isolation: Option<Text>,
    #[serde(default)]
    pub levels: Words,
    pub lock: Option<Text>,
    pub in_process: Option<bool>,
    pub level_needs_two: Option<bool>,
    pub nested: Option<Text>,
    pub level: Option<Text>,
    pub gives: Option<Text>,
    pub shared: Option<bool>,
    #[serde(default)]
    pub commit: Texts,
    #[serde(default)]
    pub abort: Texts,
}

/// `[[effect]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct EffectTable {
    pub on: Texts,
}

/// `[[exit]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ExitTable {
    pub on: Texts,
    pub from: Vec<String>,
}

/// `[[pipeline]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PipelineTable {
    pub on: Texts,
    pub stages: Text,
}

/// `[[error-handler]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ErrorHandlerTable {
    #[serde(default)]
    pub on: Texts,
    #[serde(default)]
    pub object: BTreeMap<String, String>,
    pub handler: Text,
    pub method: Option<String>,
    pub params: Option<usize>,
}

/// `[[error]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ErrorTable {
    pub kind: Spanned<ErrorKind>,
    pub title: String,
    #[serde(default)]
    pub codes: Vec<String>,
    #[serde(default)]
    pub members: Vec<String>,
    #[serde(default)]
    pub within: Vec<String>,
    #[serde(default)]
    pub messages: Vec<String>,
    #[serde(default)]
    pub classes: Vec<String>,
    #[serde(default)]
    pub tests: Vec<String>,
    #[serde(default)]
    pub constraints: Vec<String>,
}

/// `[names]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct NamesTable {
    pub entity: Option<NameForm>,
    pub column: Option<NameForm>,
    #[serde(default)]
    pub skip: Vec<String>,
    pub attribute: Option<String>,
    #[serde(default)]
    pub absent: Vec<String>,
}

/// `[filter]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FilterTable {
    #[serde(default)]
    pub operators: Words,
    #[serde(default)]
    pub and: Vec<String>,
    #[serde(default)]
    pub or: Vec<String>,
    #[serde(default)]
    pub not: Vec<String>,
    #[serde(default)]
    pub relation: Vec<String>,
}

/// `[data]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DataTable {
    #[serde(default)]
    pub deltas: Words,
    #[serde(default)]
    pub set: Vec<String>,
    #[serde(default)]
    pub append: Vec<String>,
    #[serde(default)]
    pub nested: Words,
}

/// `[[remedy]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RemedyTable {
    pub intent: Text,
    #[serde(default)]
    pub engines: Vec<Text>,
    pub code: Text,
}

/// One text, or a list of them.
#[derive(Debug)]
pub(super) struct Texts(Spanned<OneOrMany>);

#[derive(Debug)]
enum OneOrMany {
    One(String),
    Many(Vec<Text>),
}

impl Texts {
    /// The texts, in order.
    pub fn list(&self) -> Vec<Text> {
        match self.0.get_ref() {
            OneOrMany::One(text) => vec![Spanned::new(self.0.span(), text.clone())],
            OneOrMany::Many(texts) => texts.clone(),
        }
    }

    /// Where they stand.
    pub fn span(&self) -> std::ops::Range<usize> {
        self.0.span()
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self(Spanned::new(0..0, OneOrMany::Many(Vec::new())))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany::Many(texts))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}
