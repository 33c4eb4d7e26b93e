//! The reader behind [`super::TypePattern`], [`super::CallPattern`] and [`super::Selector`].

use super::{CallPattern, Callee, Form, ParamKind, ParamPattern, PatternError, Root, Selector, TypePattern};

type Result<T> = std::result::Result<T, PatternError>;

/// Reads one type pattern, and the parameters of a constructor; braces make several patterns.
pub(super) fn type_pattern(text: &str) -> Result<(Vec<TypePattern>, Vec<ParamPattern>)> {
    let mut cursor = Cursor::new(text);
    let mut parameters = Vec::new();
    cursor.blanks();
    let found = if cursor.eat(":") {
        cursor.blanks();
        each(cursor.paths()?, TypePattern::Declared)
    } else {
        let start = cursor.at;
        match cursor.word() {
            "new" => {
                cursor.blanks();
                let names = cursor.names(&NameChars::PATH)?;
                if cursor.eat("(") {
                    parameters = params(&mut cursor)?;
                }
                each(names, TypePattern::New)
            }
            "extends" => {
                cursor.blanks();
                each(cursor.names(&NameChars::PATH)?, TypePattern::Extends)
            }
            "named" => {
                cursor.blanks();
                each(cursor.names(&NameChars::WILD)?, TypePattern::Named)
            }
            "path" => {
                cursor.blanks();
                each(cursor.paths()?, TypePattern::Path)
            }
            "derive" => {
                cursor.blanks();
                each(cursor.names(&NameChars::WILD)?, TypePattern::Derive)
            }
            "entity" => vec![TypePattern::Entity],
            "import" => imported(&mut cursor)?,
            _ => {
                cursor.at = start;
                return Err(
                    cursor.error("expected `new`, `:`, `extends`, `import`, `named`, `path`, `derive` or `entity`")
                );
            }
        }
    };
    cursor.end()?;
    Ok((found, parameters))
}

fn each(names: Vec<String>, make: fn(String) -> TypePattern) -> Vec<TypePattern> {
    names.into_iter().map(make).collect()
}

/// What follows `import`: `{ a, b } from "m"`, `a from "m"`, `* from "m"`.
fn imported(cursor: &mut Cursor<'_>) -> Result<Vec<TypePattern>> {
    cursor.blanks();
    let names = if cursor.eat("{") {
        let mut names = Vec::new();
        loop {
            cursor.blanks();
            names.push(cursor.name(&NameChars::PLAIN)?);
            cursor.blanks();
            if !cursor.eat(",") {
                break;
            }
        }
        cursor.expect("}")?;
        names
    } else if cursor.eat("*") {
        vec!["*".to_owned()]
    } else {
        cursor.name(&NameChars::PLAIN)?;
        vec!["default".to_owned()]
    };
    cursor.blanks();
    cursor.expect("from")?;
    cursor.blanks();
    let quote = if cursor.eat("'") { "'" } else { cursor.expect("\"").map(|()| "\"")? };
    let module = cursor.until(quote)?.to_owned();
    if module.is_empty() {
        return Err(cursor.error_at(cursor.at - 1, "a module's name is missing"));
    }
    Ok(names.into_iter().map(|name| TypePattern::Imported { module: module.clone(), name }).collect())
}

/// Reads a call pattern.
pub(super) fn call_pattern(text: &str) -> Result<CallPattern> {
    let mut cursor = Cursor::new(text);
    cursor.blanks();
    let callee = callee(&mut cursor)?;
    let (params, form) = if cursor.eat("!") {
        if matches!(callee, Callee::Method { .. }) {
            return Err(cursor.error("a macro is no method"));
        }
        cursor.expect("(")?;
        (params(&mut cursor)?, Form::Macro)
    } else if cursor.eat("`") {
        let param = template(&mut cursor)?;
        (vec![param], Form::Tag)
    } else {
        cursor.expect("(")?;
        cursor.blanks();
        if cursor.eat("`") {
            let param = template(&mut cursor)?;
            cursor.blanks();
            cursor.expect(")")?;
            (vec![param], Form::Any)
        } else {
            (params(&mut cursor)?, Form::Plain)
        }
    };
    cursor.end()?;
    Ok(CallPattern { callee, params, form })
}

/// The name inside back quotes, and the closing one.
fn template(cursor: &mut Cursor<'_>) -> Result<ParamPattern> {
    let name = cursor.name(&NameChars::PLAIN)?;
    cursor.expect("`")?;
    Ok(ParamPattern { name, optional: false, rest: false, kind: ParamKind::Any })
}

fn callee(cursor: &mut Cursor<'_>) -> Result<Callee> {
    let start = cursor.at;
    let mut paths = cursor.names(&NameChars::PLAIN)?;
    if cursor.peek() == Some('.') {
        let [receiver] = <[String; 1]>::try_from(paths)
            .map_err(|_| cursor.error_at(start, "only one receiver may stand here; list further patterns instead"))?;
        cursor.at += 1;
        return method(cursor, receiver);
    }
    while cursor.eat("::") {
        let nexts = cursor.names(&NameChars::PLAIN)?;
        paths = paths.iter().flat_map(|path| nexts.iter().map(move |next| format!("{path}::{next}"))).collect();
    }
    if paths.iter().any(|path| path == "_") {
        return Err(cursor.error_at(start, "`_` stands for a receiver only"));
    }
    Ok(Callee::Path(paths))
}

/// What follows `receiver.`.
fn method(cursor: &mut Cursor<'_>, receiver: String) -> Result<Callee> {
    let member = if cursor.eat("<") {
        let name = cursor.name(&NameChars::PLAIN)?;
        cursor.expect(">")?;
        cursor.expect(".")?;
        Some(name)
    } else {
        None
    };
    let methods = cursor.names(&NameChars::PLAIN)?;
    if cursor.peek() == Some('.') {
        return Err(cursor.error("only a capture such as `<E>` may stand between receiver and method"));
    }
    Ok(Callee::Method { receiver, member, methods })
}

/// Parameters up to the closing parenthesis.
fn params(cursor: &mut Cursor<'_>) -> Result<Vec<ParamPattern>> {
    let mut found: Vec<ParamPattern> = Vec::new();
    cursor.blanks();
    if cursor.eat(")") {
        return Ok(found);
    }
    loop {
        cursor.blanks();
        let start = cursor.at;
        let param = param(cursor)?;
        if let Some(last) = found.last() {
            if last.rest {
                return Err(cursor.error_at(start, "nothing may follow a parameter that takes the rest"));
            }
            if last.optional && !param.optional && !param.rest {
                return Err(cursor.error_at(start, "a needed parameter may not follow an optional one"));
            }
        }
        if param.name != "_" && found.iter().any(|other| other.name == param.name) {
            return Err(cursor.error_at(start, format!("`{}` is a parameter already", param.name)));
        }
        found.push(param);
        cursor.blanks();
        if cursor.eat(")") {
            return Ok(found);
        }
        if !cursor.eat(",") {
            return Err(cursor.error("expected `,` or `)`"));
        }
    }
}

fn param(cursor: &mut Cursor<'_>) -> Result<ParamPattern> {
    let rest = cursor.eat("*");
    let start = cursor.at;
    let name = cursor.name(&NameChars::PLAIN)?;
    if matches!(name.as_str(), "result" | "self") {
        return Err(cursor.error_at(start, format!("`{name}` has a meaning in selectors and can't name a parameter")));
    }
    let optional = cursor.eat("?");
    if rest && optional {
        return Err(cursor.error_at(cursor.at - 1, "a parameter that takes the rest may be empty anyway"));
    }
    cursor.blanks();
    let kind = if cursor.eat(":") {
        cursor.blanks();
        if cursor.eat("[]") {
            ParamKind::List
        } else {
            let start = cursor.at;
            match cursor.word() {
                "fn" => ParamKind::Function,
                "text" => ParamKind::Text,
                _ => return Err(cursor.error_at(start, "expected `fn`, `text` or `[]`")),
            }
        }
    } else {
        ParamKind::Any
    };
    Ok(ParamPattern { name, optional, rest, kind })
}

/// Reads a selector.
pub(super) fn selector(text: &str, params: &[ParamPattern]) -> Result<Selector> {
    let mut cursor = Cursor::new(text);
    cursor.blanks();
    let start = cursor.at;
    let name = cursor.name(&NameChars::PLAIN)?;
    let root = match name.as_str() {
        "result" => Root::Result,
        "self" => Root::Receiver,
        _ => match params.iter().position(|param| param.name == name && name != "_") {
            Some(index) => Root::Param(index),
            None => {
                let known: Vec<_> =
                    params.iter().map(|param| param.name.as_str()).filter(|name| *name != "_").collect();
                let known =
                    known.iter().chain(&["result"]).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                return Err(
                    cursor.error_at(start, format!("`{name}` is no parameter of the pattern; there are {known}"))
                );
            }
        },
    };
    let mut path = Vec::new();
    while cursor.eat(".") {
        path.push(cursor.name(&NameChars::PLAIN)?);
    }
    cursor.end()?;
    Ok(Selector { root, path })
}

/// Which characters a name may hold besides letters, digits, `_` and `$`.
struct NameChars(&'static [char]);

impl NameChars {
    const PLAIN: Self = Self(&[]);
    const WILD: Self = Self(&['*']);
    const PATH: Self = Self(&['*', '.', ':']);

    fn has(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_' || c == '$' || self.0.contains(&c)
    }
}

/// A message that a token is missing.
fn expected(token: &str) -> String {
    if token == "`" { "expected `` ` ``".to_owned() } else { format!("expected `{token}`") }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        let there = self.rest().starts_with(token);
        if there {
            self.at += token.len();
        }
        there
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.eat(token) { Ok(()) } else { Err(self.error(expected(token))) }
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// The letters from here; empty where there is none.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let word = &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn until(&mut self, token: &str) -> Result<&'a str> {
        let rest = self.rest();
        let end = rest.find(token).ok_or_else(|| self.error_at(self.text.len(), format!("expected `{token}`")))?;
        self.at += end + token.len();
        Ok(&rest[..end])
    }

    fn name(&mut self, chars: &NameChars) -> Result<String> {
        let rest = self.rest();
        let name = &rest[..rest.find(|c| !chars.has(c)).unwrap_or(rest.len())];
        if name.is_empty() {
            return Err(self.error("expected a name"));
        }
        self.at += name.len();
        Ok(name.to_owned())
    }

    /// One name, or alternatives in braces.
    fn names(&mut self, chars: &NameChars) -> Result<Vec<String>> {
        if !self.eat("{") {
            return Ok(vec![self.name(chars)?]);
        }
        let mut found = Vec::new();
        loop {
            self.blanks();
            found.push(self.name(chars)?);
            self.blanks();
            if self.eat("}") {
                return Ok(found);
            }
            if !self.eat(",") {
                return Err(self.error("expected `,` or `}`"));
            }
        }
    }

    /// Paths: `a::{b,c}::d` is two of them.
    fn paths(&mut self) -> Result<Vec<String>> {
        let mut paths = self.names(&NameChars::PATH)?;
        while self.peek().is_some_and(|c| c == '{' || NameChars::PATH.has(c)) {
            let nexts = self.names(&NameChars::PATH)?;
            paths = paths.iter().flat_map(|path| nexts.iter().map(move |next| format!("{path}{next}"))).collect();
        }
        Ok(paths)
    }

    fn end(&mut self) -> Result<()> {
        self.blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.error("expected the end of the pattern")) }
    }

    fn error(&self, message: impl Into<String>) -> PatternError {
        self.error_at(self.at, message)
    }

    fn error_at(&self, at: usize, message: impl Into<String>) -> PatternError {
        PatternError { at, message: message.into() }
    }
}
