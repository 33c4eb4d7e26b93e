//! The Prisma schema language.
//!
//! The reader goes line by line, as the language does: a line that cannot be read becomes a problem, and reading goes on
//! with the next. Attributes that say nothing about guarantees are skipped, known or not.

mod attributes;
mod lex;

use super::merge::filter_in_code;
use super::{Column, ColumnKind, DefaultValue, Engine, Entity, Enum, Generator, Problem, Relation, Schema};
use attributes::Attribute;
use lex::{Kind, Tokens};

/// The scalar types of the language.
const SCALARS: [&str; 10] =
    ["String", "Boolean", "Int", "BigInt", "Float", "Decimal", "DateTime", "Json", "Bytes", "Unsupported"];

/// Reads one schema file. Types that it names and does not define count as relations until [`Schema::merge`] has seen the
/// other files.
#[must_use]
pub fn read(path: &str, text: &str) -> Schema {
    let mut reader = Reader { path, tokens: Tokens::new(text), at: 0, schema: Schema::default() };
    reader.run();
    let mut schema = reader.schema;
    schema.resolve_types();
    for entity in &mut schema.entities {
        attributes::name_keys(entity);
        if entity.keys.iter().all(|key| key.partial.is_none()) {
            continue;
        }
        // Conditions in SQL name columns as the database does.
        let columns = entity.clone();
        for partial in entity.keys.iter_mut().filter_map(|key| key.partial.as_mut()) {
            *partial = filter_in_code(&columns, partial);
        }
    }
    schema
}

/// Whether a file has a `datasource`, and so is the head of a schema, without reading it.
#[must_use]
pub fn has_datasource(text: &str) -> bool {
    text.lines().any(|line| {
        let words = line.trim_start().strip_prefix("datasource");
        words.is_some_and(|rest| rest.starts_with([' ', '\t']) && rest.contains('{'))
    })
}

/// The words that open a block.
const BLOCKS: [&str; 6] = ["datasource", "generator", "model", "enum", "type", "view"];

/// Whether a file is a schema at all: some files are only called like one.
#[must_use]
pub fn is_schema(text: &str) -> bool {
    text.trim().is_empty()
        || text.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next().is_some_and(|word| BLOCKS.contains(&word.trim_end_matches('{'))) && line.contains('{')
        })
}

struct Reader<'a> {
    path: &'a str,
    tokens: Tokens<'a>,
    at: usize,
    schema: Schema,
}

impl Reader<'_> {
    fn run(&mut self) {
        while self.at < self.tokens.list.len() {
            if self.tokens.kind(self.at) == Some(Kind::Newline) {
                self.at += 1;
                continue;
            }
            let start = self.at;
            match (self.tokens.ident(start), self.tokens.ident(start + 1), self.tokens.is(start + 2, "{")) {
                (Some(keyword), Some(name), true) => {
                    self.at = start + 3;
                    self.block(keyword, name, start);
                }
                // A name for a type; gone from the language, still in old files.
                (Some("type"), Some(_), false) if self.tokens.is(start + 2, "=") => self.at = self.line_end(start),
                _ => self.skip_line("expected a block such as `model Name {`"),
            }
        }
    }

    fn block(&mut self, keyword: &str, name: &str, start: usize) {
        match keyword {
            "model" | "view" | "type" => self.entity(keyword, name, start),
            "enum" => self.enumeration(name, start),
            "datasource" => self.datasource(),
            "generator" => self.generator(name),
            _ => {
                self.problem(start, format!("unknown block `{keyword}`"));
                self.lines(|_, _| {});
            }
        }
    }

    fn problem(&mut self, at: usize, message: impl Into<String>) {
        let span = self.tokens.span(at, at + 1);
        self.schema.problems.push(Problem { path: self.path.to_owned(), span, message: message.into() });
    }

    fn skip_line(&mut self, message: &str) {
        self.problem(self.at, message);
        self.at = self.line_end(self.at).max(self.at + 1);
    }

    /// The end of a logical line: a line end, or the brace that closes the block, outside brackets.
    fn line_end(&self, start: usize) -> usize {
        let mut at = start;
        while at < self.tokens.list.len() && self.tokens.kind(at) != Some(Kind::Newline) && !self.tokens.is(at, "}") {
            at = self.tokens.after(at);
        }
        at
    }

    /// Runs over the lines of a block, up to and with its closing brace.
    fn lines(&mut self, mut each: impl FnMut(&mut Self, (usize, usize))) {
        let start = self.at;
        while self.at < self.tokens.list.len() {
            if self.tokens.is(self.at, "}") {
                self.at += 1;
                return;
            }
            if self.tokens.kind(self.at) == Some(Kind::Newline) {
                self.at += 1;
                // The next block ends one that was not closed.
                if self.starts_block() {
                    return self.problem(start.saturating_sub(1), "this block is not closed");
                }
                continue;
            }
            let end = self.line_end(self.at).max(self.at + 1);
            let line = (self.at, end);
            self.at = end;
            each(self, line);
        }
        self.problem(start.saturating_sub(1), "this block is not closed");
    }

    fn starts_block(&self) -> bool {
        let keywords = ["model", "view", "type", "enum", "datasource", "generator"];
        self.tokens.ident(self.at).is_some_and(|word| keywords.contains(&word))
            && self.tokens.ident(self.at + 1).is_some()
            && self.tokens.is(self.at + 2, "{")
    }

    fn entity(&mut self, keyword: &str, name: &str, start: usize) {
        let mut entity = Entity {
            name: name.to_owned(),
            table: name.to_owned(),
            view: keyword == "view",
            path: self.path.to_owned(),
            ..Entity::default()
        };
        self.lines(|reader, line| reader.member(line, &mut entity));
        entity.span = self.tokens.span(start, self.at);
        if keyword == "type" {
            self.schema.composites.push(entity);
        } else {
            self.schema.entities.push(entity);
        }
    }

    fn member(&mut self, line: (usize, usize), entity: &mut Entity) {
        if self.tokens.is(line.0, "@@") {
            for attribute in self.attributes(line) {
                attribute.apply_to_entity(&self.tokens, self.path, entity);
            }
            return;
        }
        let Some(name) = self.tokens.ident(line.0) else {
            return self.problem(line.0, "expected a field or `@@` attribute");
        };
        let Some((mut column, rest)) = self.field_type(name, line) else {
            return self.problem(line.0, format!("field `{name}` has no type"));
        };
        column.span = self.tokens.span(line.0, line.1);
        let attributes = self.attributes((rest, line.1));
        for attribute in &attributes {
            attribute.apply_to_column(&self.tokens, &mut column);
        }
        for attribute in attributes {
            attribute.key_of_column(&self.tokens, self.path, &column, entity);
        }
        entity.columns.push(column);
    }

    /// Reads `Type`, `Type?`, `Type[]` and `Unsupported("…")`; returns where the attributes start.
    fn field_type(&self, name: &str, (start, end): (usize, usize)) -> Option<(Column, usize)> {
        // `name: Type` was the first spelling.
        let at = start + 1 + usize::from(self.tokens.is(start + 1, ":"));
        let type_name = self.tokens.ident(at).filter(|_| at < end)?;
        let mut column = Column { name: name.to_owned(), mapped: name.to_owned(), ..Column::default() };
        column.kind = if SCALARS.contains(&type_name) {
            ColumnKind::Scalar(type_name.to_owned())
        } else {
            ColumnKind::Relation(Relation { entity: type_name.to_owned(), ..Relation::default() })
        };
        let mut next = at + 1;
        if self.tokens.is(next, "(") && self.tokens.closed(next) {
            column.native_type = self.tokens.string(next + 1);
            next = self.tokens.after(next);
        }
        while next < end {
            if self.tokens.is(next, "?") {
                column.optional = true;
                next += 1;
            } else if self.tokens.is(next, "[") && self.tokens.is(next + 1, "]") {
                column.list = true;
                next += 2;
            } else if self.tokens.is(next, "!") {
                next += 1;
            } else {
                break;
            }
        }
        Some((column, next))
    }

    /// Reads the attributes of a line. Anything else among them is a problem.
    fn attributes(&mut self, (start, end): (usize, usize)) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        let mut at = start;
        while at < end {
            match Attribute::read(&self.tokens, at, end) {
                Some((attribute, next)) => {
                    attributes.push(attribute);
                    at = next;
                }
                None => {
                    self.problem(at, format!("expected an attribute, found `{}`", self.tokens.raw(at)));
                    break;
                }
            }
        }
        attributes
    }

    fn enumeration(&mut self, name: &str, start: usize) {
        let mut found = Enum { name: name.to_owned(), path: self.path.to_owned(), ..Enum::default() };
        self.lines(|reader, line| {
            if reader.tokens.is(line.0, "@@") {
                return;
            }
            match reader.tokens.ident(line.0) {
                Some(value) => found.values.push(value.to_owned()),
                None => reader.problem(line.0, "expected a value of the enumeration"),
            }
        });
        found.span = self.tokens.span(start, self.at);
        self.schema.enums.push(found);
    }

    fn datasource(&mut self) {
        let mut provider = None;
        let mut url = None;
        let mut emulated = false;
        self.lines(|reader, line| {
            let value = line.0 + 2;
            match reader.tokens.raw(line.0) {
                // Several providers in a list were possible once; the first counts.
                "provider" => provider = reader.tokens.string(value + usize::from(reader.tokens.is(value, "["))),
                "url" => url = reader.tokens.string(value),
                "relationMode" => emulated = reader.tokens.string(value).as_deref() == Some("prisma"),
                "referentialIntegrity" => emulated = reader.tokens.string(value).as_deref() == Some("prisma"),
                _ => {}
            }
        });
        let by_url =
            || url.as_deref().and_then(|url| url.split_once(':')).and_then(|(name, _)| Engine::from_name(name));
        let engine = provider.as_deref().map_or_else(by_url, Engine::from_name);
        self.schema.engine = self.schema.engine.or(engine);
        self.schema.emulated_relations |= emulated;
    }

    fn generator(&mut self, name: &str) {
        let mut generator = Generator { name: name.to_owned(), path: self.path.to_owned(), ..Generator::default() };
        self.lines(|reader, line| {
            let value = line.0 + 2;
            match reader.tokens.raw(line.0) {
                "provider" => generator.provider = reader.tokens.string(value),
                "output" => generator.output = reader.tokens.string(value),
                "previewFeatures" | "experimentalFeatures" => {
                    generator.preview_features = (value..line.1).filter_map(|at| reader.tokens.string(at)).collect();
                }
                _ => {}
            }
        });
        self.schema.generators.push(generator);
    }
}
