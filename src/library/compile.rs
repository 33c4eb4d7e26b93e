//! The files of one library, checked and made into rows.

use std::ops::Range;

use super::index::Index;
use super::load::{LoadError, span};
use super::pattern::{CallPattern, Callee, ParamKind, ParamPattern, PatternError, Selector, TypePattern};
use super::remedy::{Hole, holes};
use super::schema::{
    CallTable, ErrorHandlerTable, ExprTable, File, NativeTable, RegionTable, RemedyTable, Text, Texts, TypeTable, Words,
};
use super::suggest::hint;
use super::{
    CallRow, DataGrammar, ENGINES, EffectRow, ErrorHandlerRow, ErrorRow, ExitRow, ExprRow, FilterGrammar, HOLES,
    INTENTS, LEVELS, Library, Missing, NameRules, Native, PipelineRow, RegionForm, RegionRow, Registration, RemedyRow,
    Rows, TypeRow, Verb,
};

/// What filter operators mean.
const COMPARISONS: &[&str] = &["eq", "ne", "lt", "le", "gt", "ge", "in", "not-in", "like", "other"];
/// What relative changes mean.
const DELTAS: &[&str] = &["+", "-", "*", "/"];
/// What keys under a relation write.
const NESTED: &[&str] = &[
    "create",
    "create-many",
    "connect",
    "connect-or-create",
    "upsert",
    "update",
    "update-many",
    "delete",
    "delete-many",
    "disconnect",
    "set",
];
/// What opening a region inside a region does.
const NESTING: &[&str] = &["savepoint", "same"];

/// A file and where it came from.
pub(super) struct Origin<'a> {
    pub path: &'a str,
    pub text: &'a str,
    pub file: File,
}

/// Makes the rows of one library.
pub(super) struct Compiler<'a> {
    /// The file at hand.
    origin: &'a Origin<'a>,
    library: Library,
    /// Whether calls are lazy where their row does not say.
    lazy: bool,
    /// Every call pattern so far.
    patterns: Vec<CallPattern>,
    errors: &'a mut Vec<LoadError>,
}

impl<'a> Compiler<'a> {
    /// Makes the library of a file and those that extend it; rows that are wrong are left out.
    pub fn run(origins: &'a [Origin<'a>], errors: &'a mut Vec<LoadError>) -> Library {
        let base = &origins[0];
        let name = |text: &Option<Text>| text.as_ref().map(|text| text.get_ref().clone()).unwrap_or_default();
        let library = Library {
            id: name(&base.file.lib.id),
            language: name(&base.file.lib.language),
            detect: Vec::new(),
            types: Vec::new(),
            calls: Vec::new(),
            exprs: Vec::new(),
            regions: Vec::new(),
            effects: Vec::new(),
            exits: Vec::new(),
            pipelines: Vec::new(),
            error_handlers: Vec::new(),
            errors: Vec::new(),
            names: NameRules::default(),
            filter: FilterGrammar::default(),
            data: DataGrammar::default(),
            remedies: Vec::new(),
            index: Index::default(),
        };
        let mut compiler = Self { origin: base, library, lazy: false, patterns: Vec::new(), errors };
        // Rows may name types of any of the files, so types come first.
        for origin in origins {
            compiler.origin = origin;
            compiler.library.detect.extend(origin.file.lib.detect.iter().cloned());
            for (name, table) in &origin.file.types {
                compiler.type_row(name, table);
            }
        }
        let likes = compiler.likes(origins);
        for origin in origins {
            compiler.origin = origin;
            compiler.lazy = origin.file.lib.lazy.or(base.file.lib.lazy).unwrap_or(false);
            compiler.rows(&origin.file);
        }
        compiler.expand(&likes);
        compiler.library.index = Index::of(&compiler.library);
        compiler.library
    }

    fn rows(&mut self, file: &File) {
        for table in &file.call {
            self.call_rows(table);
        }
        for table in &file.expr {
            self.expr_rows(table);
        }
        for table in &file.region {
            self.region_rows(table);
        }
        for table in &file.effect {
            let effects = self.call_patterns(&table.on).into_iter().map(|on| EffectRow { on });
            self.library.effects.extend(effects);
        }
        for table in &file.exit {
            let exits = self.call_patterns(&table.on).into_iter().map(|on| ExitRow { on, from: table.from.clone() });
            self.library.exits.extend(exits);
        }
        for table in &file.pipeline {
            for on in self.call_patterns(&table.on) {
                let Some(stages) = self.selector(&table.stages, &on.params) else { continue };
                self.library.pipelines.push(PipelineRow { on, stages });
            }
        }
        for table in &file.error_handler {
            self.error_handler_rows(table);
        }
        for table in &file.error {
            let lists = [&table.codes, &table.messages, &table.classes, &table.tests];
            if lists.iter().all(|list| list.is_empty()) {
                self.fail(table.kind.span(), "an error needs `codes`, `messages`, `classes` or `tests` that mean it");
            } else if !table.codes.is_empty() && table.members.is_empty() {
                self.fail(table.kind.span(), "`codes` needs the `members` that carry them");
            }
            self.library.errors.push(ErrorRow {
                kind: *table.kind.get_ref(),
                codes: table.codes.clone(),
                members: table.members.clone(),
                within: table.within.clone(),
                messages: table.messages.clone(),
                classes: table.classes.clone(),
                tests: table.tests.clone(),
                constraints: table.constraints.clone(),
                title: table.title.clone(),
            });
        }
        let names = &mut self.library.names;
        names.entity = file.names.entity.unwrap_or(names.entity);
        names.column = file.names.column.unwrap_or(names.column);
        names.skip.extend(file.names.skip.iter().cloned());
        names.attribute = file.names.attribute.clone().or(names.attribute.take());
        names.absent.extend(file.names.absent.iter().cloned());
        let operators = self.words(&file.filter.operators, COMPARISONS);
        let filter = &mut self.library.filter;
        filter.operators.extend(operators);
        filter.and.extend(file.filter.and.iter().cloned());
        filter.or.extend(file.filter.or.iter().cloned());
        filter.not.extend(file.filter.not.iter().cloned());
        filter.relation.extend(file.filter.relation.iter().cloned());
        let (deltas, nested) = (self.words(&file.data.deltas, DELTAS), self.words(&file.data.nested, NESTED));
        let data = &mut self.library.data;
        data.deltas.extend(deltas);
        data.nested.extend(nested);
        data.set.extend(file.data.set.iter().cloned());
        data.append.extend(file.data.append.iter().cloned());
        for table in &file.remedy {
            self.remedy(table);
        }
    }

    /// Adds to the type of that name, or makes it.
    fn type_row(&mut self, name: &Text, table: &TypeTable) {
        let mut patterns = Vec::new();
        let mut params = Vec::new();
        for text in table.is.list() {
            if let Some((found, found_params)) = self.pattern(&text, TypePattern::parse_with_params) {
                patterns.extend(found);
                if params.is_empty() {
                    params = found_params;
                }
            }
        }
        let isolation = table.isolation.as_ref().and_then(|text| self.selector(text, &params));
        match self.library.types.iter_mut().find(|row| row.name == *name.get_ref()) {
            Some(row) => {
                row.patterns.extend(patterns);
                row.transaction = table.transaction.unwrap_or(row.transaction);
                row.entity_members = table.entity_members.unwrap_or(row.entity_members);
                row.isolation = isolation.or(row.isolation.take());
                row.query = table.query.unwrap_or(row.query);
                row.holder = table.holder.unwrap_or(row.holder);
                row.held = table.held.unwrap_or(row.held);
                row.pool = table.pool.unwrap_or(row.pool);
                row.column = table.column.unwrap_or(row.column);
                row.condition = table.condition.unwrap_or(row.condition);
            }
            None => self.library.types.push(TypeRow {
                name: name.get_ref().clone(),
                patterns,
                transaction: table.transaction.unwrap_or(false),
                entity_members: table.entity_members.unwrap_or(false),
                isolation,
                query: table.query.unwrap_or(false),
                holder: table.holder.unwrap_or(false),
                held: table.held.unwrap_or(false),
                pool: table.pool.unwrap_or(false),
                column: table.column.unwrap_or(false),
                condition: table.condition.unwrap_or(false),
            }),
        }
    }

    /// Which types take the rows of which others.
    fn likes(&mut self, origins: &'a [Origin<'a>]) -> Vec<(String, String)> {
        let tables = origins.iter().flat_map(|origin| origin.file.types.iter().map(move |row| (origin, row)));
        let written = tables.filter_map(|(origin, (name, table))| Some((origin, name, table.like.as_ref()?)));
        let written: Vec<_> = written.collect();
        let mut likes = Vec::new();
        for (origin, name, like) in &written {
            self.origin = origin;
            if written.iter().any(|(_, other, _)| other == like) {
                let message = format!(
                    "`{}` is like `{}`, which is itself like another type; name that one",
                    name.get_ref(),
                    like.get_ref()
                );
                self.fail(like.span(), message);
            } else if self.known_type(like) {
                likes.push((name.get_ref().clone(), like.get_ref().clone()));
            }
        }
        likes
    }

    fn call_rows(&mut self, table: &CallTable) {
        let runs = table.run == Some(true);
        if table.verb.is_none() && table.gives.is_none() && !runs {
            self.fail(table.on.span(), "a call needs a `verb`, or a type that it `gives`");
        }
        if table.native.is_some() && table.steps.is_empty() {
            self.fail(
                table.on.span(),
                "a call that is `native` only at times needs the `steps` it takes at other times",
            );
        }
        if let Some(gives) = &table.gives {
            self.known_type(gives);
        }
        let native = table.native.as_ref().map(|native| self.native(native));
        let patterns = self.call_patterns(&table.on);
        let is_param = |text: &toml::Spanned<String>, pattern: &CallPattern| {
            pattern.params.iter().any(|p| p.name == *text.get_ref())
        };
        let by_param = |text: &toml::Spanned<String>| patterns.iter().any(|pattern| is_param(text, pattern));
        let (by_value, isolation) = match &table.isolation {
            Some(text) if by_param(text) => (Some(text), None),
            Some(text) => (None, self.word(text, LEVELS).then(|| text.get_ref().clone())),
            None => (None, None),
        };
        for pattern in patterns {
            let params = &pattern.params;
            let rows = table.rows.unwrap_or(match table.verb {
                Some(Verb::Count) => Rows::Number,
                Some(Verb::Sql) => Rows::Many,
                _ => Rows::One,
            });
            let missing = table.missing.unwrap_or(match rows {
                Rows::One => Missing::Null,
                Rows::Many => Missing::Empty,
                Rows::Number => Missing::Zero,
            });
            let row = CallRow {
                verb: table.verb,
                place: table.place,
                result: table.result.unwrap_or_default(),
                rows,
                missing,
                key: self.optional(table.key.as_ref(), params),
                set: self.optional(table.set.as_ref(), params),
                create: self.optional(table.create.as_ref(), params),
                skip_conflicts: self.optional(table.skip_conflicts.as_ref(), params),
                limit: self.optional(table.limit.as_ref(), params),
                skip: self.optional(table.skip.as_ref(), params),
                order: self.optional(table.order.as_ref(), params),
                reads: table.reads.list().iter().filter_map(|text| self.selector(text, params)).collect(),
                aggregates: table
                    .aggregates
                    .iter()
                    .filter_map(|(name, text)| Some((name.clone(), self.selector(text, params)?)))
                    .collect(),
                affected: self.optional(table.affected.as_ref(), params),
                sql: self.optional(table.sql.as_ref(), params),
                bind: self.optional(table.bind.as_ref(), params),
                binds: self.optional(table.binds.as_ref(), params),
                scalar: table.scalar.unwrap_or(false),
                gives: table.gives.as_ref().map(|gives| gives.get_ref().clone()),
                run: runs,
                handle: self.optional(table.handle.as_ref(), params),
                entity: self.optional(table.entity.as_ref(), params),
                find: self.optional(table.find.as_ref(), params),
                from: self.optional(table.from.as_ref(), params),
                related: self.optional(table.related.as_ref(), params),
                keyless: table.keyless,
                select: self.optional(table.select.as_ref(), params),
                exists: table.exists.unwrap_or(false),
                map: self.optional(table.map.as_ref(), params),
                column: self.optional(table.column.as_ref(), params),
                hole: self.optional(table.hole.as_ref(), params),
                in_place: table.in_place.unwrap_or(false),
                lock: table.lock,
                conflict: table.conflict,
                isolation: isolation.clone(),
                isolation_by: self.optional(by_value, params),
                lazy: table.lazy.unwrap_or(self.lazy && table.verb.is_some()),
                native: native.clone(),
                steps: table.steps.clone(),
                on: pattern,
            };
            self.library.calls.push(row);
        }
    }

    fn native(&mut self, table: &NativeTable) -> Native {
        Native { engines: self.engines(&table.engines), requires: table.requires.clone() }
    }

    fn expr_rows(&mut self, table: &ExprTable) {
        for on in self.call_patterns(&table.on) {
            self.library.exprs.push(ExprRow { on, means: table.means });
        }
    }

    fn region_rows(&mut self, table: &RegionTable) {
        if table.form != RegionForm::Guard && table.body.is_none() {
            self.fail(table.open.span(), "a region needs a `body`: the callback or list that runs inside");
        }
        let levels = self.words(&table.levels, LEVELS);
        let nested = table.nested.as_ref().filter(|text| self.word(text, NESTING)).map(|text| text.get_ref().clone());
        let level = table.level.as_ref().filter(|text| self.word(text, LEVELS)).map(|text| text.get_ref().clone());
        if let Some(gives) = &table.gives {
            self.known_type(gives);
        }
        let mut closing = |texts: &Texts| match texts.list().is_empty() {
            true => Vec::new(),
            false => self.closing_patterns(texts),
        };
        let (commit, abort) = (closing(&table.commit), closing(&table.abort));
        for pattern in self.call_patterns(&table.open) {
            let params = &pattern.params;
            let row = RegionRow {
                form: table.form,
                body: self.optional(table.body.as_ref(), params),
                handle: table.handle,
                isolation: self.optional(table.isolation.as_ref(), params),
                levels: levels.clone(),
                lock: self.optional(table.lock.as_ref(), params),
                in_process: table.in_process.unwrap_or(false),
                level_needs_two: table.level_needs_two.unwrap_or(false),
                nested: nested.clone(),
                level: level.clone(),
                gives: table.gives.as_ref().map(|gives| gives.get_ref().clone()),
                shared: table.shared.unwrap_or(false),
                commit: commit.clone(),
                abort: abort.clone(),
                open: pattern,
            };
            self.library.regions.push(row);
        }
    }

    fn error_handler_rows(&mut self, table: &ErrorHandlerTable) {
        let calls = if table.on.list().is_empty() { Vec::new() } else { self.call_patterns(&table.on) };
        if calls.is_empty() == table.object.is_empty() {
            self.fail(table.handler.span(), "an error handler is registered by a call (`on`) or by an `object`");
        }
        let calls = calls.into_iter().map(|on| (on.params.clone(), Registration::Call(on)));
        let objects = table.object.iter().map(|(member, name)| {
            let handler = table.handler.get_ref().clone();
            // The members of the object are what the selector may name.
            let param = ParamPattern { name: handler.clone(), optional: false, rest: false, kind: ParamKind::Any };
            (vec![param], Registration::Object { member: member.clone(), name: name.clone(), handler })
        });
        for (params, by) in calls.chain(objects).collect::<Vec<_>>() {
            let Some(handler) = self.selector(&table.handler, &params) else { continue };
            let (method, params) = (table.method.clone(), table.params);
            self.library.error_handlers.push(ErrorHandlerRow { by, handler, method, params });
        }
    }

    fn remedy(&mut self, table: &RemedyTable) {
        self.word(&table.intent, INTENTS);
        let engines = self.engines(&table.engines);
        for Hole { at, name, .. } in holes(table.code.get_ref()) {
            if !HOLES.contains(&name) {
                let place = self.within(&table.code, at..at + name.len());
                self.fail(place, format!("unknown hole `{name}`{}", hint(name, HOLES)));
            }
        }
        let intent = table.intent.get_ref();
        let covered = self.library.remedies.iter().filter(|row| row.intent == *intent).any(|row| {
            row.engines.is_empty() || !engines.is_empty() && engines.iter().all(|engine| row.engines.contains(engine))
        });
        if covered {
            self.fail(table.intent.span(), format!("an earlier remedy for `{intent}` holds for these engines already"));
        }
        let code = table.code.get_ref().trim_end().to_owned();
        self.library.remedies.push(RemedyRow { intent: intent.clone(), engines, code });
    }

    /// Reads the patterns of calls that close a region; several regions may be closed by the same call.
    fn closing_patterns(&mut self, texts: &Texts) -> Vec<CallPattern> {
        let before = std::mem::take(&mut self.patterns);
        let found = self.call_patterns(texts);
        self.patterns = before;
        found
    }

    /// Reads the patterns of a row and sees to it that each can be reached.
    fn call_patterns(&mut self, texts: &Texts) -> Vec<CallPattern> {
        let mut found = Vec::new();
        for text in texts.list() {
            let Some(pattern) = self.pattern(&text, CallPattern::parse) else { continue };
            if let Callee::Method { receiver, .. } = &pattern.callee
                && receiver != "_"
                && !self.library.types.iter().any(|row| row.name == *receiver)
            {
                let place = self.within(&text, 0..receiver.len());
                let hint = self.type_hint(receiver);
                self.fail(place, format!("there is no type `{receiver}`{hint}"));
            }
            if self.patterns.iter().any(|earlier| earlier.covers(&pattern)) {
                self.fail(text.span(), "an earlier row fits every such call already");
            }
            self.patterns.push(pattern.clone());
            found.push(pattern);
        }
        if texts.list().is_empty() {
            self.fail(texts.span(), "a pattern is missing");
        }
        found
    }

    /// Repeats the rows of a type for the types that are like it.
    fn expand(&mut self, likes: &[(String, String)]) {
        for (name, like) in likes {
            // What is added to a statement is that statement still.
            let stays = self.library.types.iter().any(|row| row.name == *like && row.query);
            let moved = |pattern: &CallPattern| match &pattern.callee {
                Callee::Method { receiver, member, methods } if receiver == like => {
                    let callee =
                        Callee::Method { receiver: name.clone(), member: member.clone(), methods: methods.clone() };
                    Some(CallPattern { callee, ..pattern.clone() })
                        .filter(|copy| !self.patterns.iter().any(|own| own.covers(copy)))
                }
                _ => None,
            };
            let calls = self.library.calls.iter().filter_map(|row| {
                let gives =
                    if row.gives.as_ref() == Some(like) && !stays { Some(name.clone()) } else { row.gives.clone() };
                Some(CallRow { on: moved(&row.on)?, gives, ..row.clone() })
            });
            let calls: Vec<_> = calls.collect();
            let regions = self.library.regions.iter();
            let regions = regions.filter_map(|row| Some(RegionRow { open: moved(&row.open)?, ..row.clone() }));
            let regions: Vec<_> = regions.collect();
            let exprs = self.library.exprs.iter();
            let exprs = exprs.filter_map(|row| Some(ExprRow { on: moved(&row.on)?, means: row.means }));
            let exprs: Vec<_> = exprs.collect();
            self.library.exprs.extend(exprs);
            self.library.calls.extend(calls);
            self.library.regions.extend(regions);
        }
    }

    fn optional(&mut self, text: Option<&Text>, params: &[ParamPattern]) -> Option<Selector> {
        self.selector(text?, params)
    }

    fn selector(&mut self, text: &Text, params: &[ParamPattern]) -> Option<Selector> {
        self.pattern(text, |text| Selector::parse(text, params))
    }

    fn pattern<T>(&mut self, text: &Text, read: impl Fn(&str) -> Result<T, PatternError>) -> Option<T> {
        match read(text.get_ref()) {
            Ok(value) => Some(value),
            Err(error) => {
                let place = self.within(text, error.at..error.at);
                self.fail(place, error.message);
                None
            }
        }
    }

    fn engines(&mut self, texts: &[Text]) -> Vec<String> {
        texts.iter().filter(|text| self.word(text, ENGINES)).map(|text| text.get_ref().clone()).collect()
    }

    fn words(&mut self, words: &Words, known: &[&str]) -> Vec<(String, String)> {
        let checked = words.iter().filter(|(_, meaning)| self.word(meaning, known));
        checked.map(|(name, meaning)| (name.get_ref().clone(), meaning.get_ref().clone())).collect()
    }

    /// Checks that a word is one of those that have a meaning.
    fn word(&mut self, text: &Text, known: &[&str]) -> bool {
        let fine = known.contains(&text.get_ref().as_str());
        if !fine {
            self.fail(text.span(), format!("unknown word `{}`{}", text.get_ref(), hint(text.get_ref(), known)));
        }
        fine
    }

    fn known_type(&mut self, text: &Text) -> bool {
        let fine = self.library.types.iter().any(|row| row.name == *text.get_ref());
        if !fine {
            self.fail(text.span(), format!("there is no type `{}`{}", text.get_ref(), self.type_hint(text.get_ref())));
        }
        fine
    }

    fn type_hint(&self, name: &str) -> String {
        hint(name, &self.library.types.iter().map(|row| row.name.as_str()).collect::<Vec<_>>())
    }

    /// A place inside a text of the file. Where the text holds escapes, offsets do not line up, and it is the whole text.
    fn within(&self, text: &Text, inner: Range<usize>) -> Range<usize> {
        let whole = text.span();
        let written = self.origin.text.get(whole.clone()).unwrap_or("");
        match written.find(text.get_ref().as_str()) {
            Some(start) => whole.start + start + inner.start..whole.start + start + inner.end,
            None => whole,
        }
    }

    fn fail(&mut self, place: Range<usize>, message: impl Into<String>) {
        let error = LoadError { path: self.origin.path.to_owned(), span: span(place), message: message.into() };
        self.errors.push(error);
    }
}
