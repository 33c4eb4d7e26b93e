//! The stable text form of a unit (`toctou dump ir FILE`).
//!
//! Variables print as their names, a second one of the same name as `name~2`, temporaries as `t1`, `t2`; a name that the
//! file does not declare as `::name`. A function prints one line a step and one line an exit:
//!
//! ```text
//! fn#1 signUp(email: string)
//!   b0:
//!     t1 = call ::prisma.user.findUnique({where: {email: email}}) awaited
//!     user = t1
//!     if user then b1 else b2
//! ```

use std::fmt::{self, Write};

use rustc_hash::FxHashMap;

use super::{
    BinaryOp, Block, Call, CallForm, Class, Const, Entry, Exit, Export, ExportTarget, Expr, ExprKind, Func, FuncKind,
    Import, ImportName, Item, Key, Over, SlotId, Step, TemplatePart, UnaryOp, Unit,
};
use crate::text::{LineIndex, Span};

/// Writes a unit as text: one line a step, blocks labelled, every function under its name.
#[must_use]
pub fn print(unit: &Unit) -> String {
    Printer::new(unit, None).unit()
}

/// The same with the place of every call (`@line:column`), for which the text is needed that the unit was lowered from.
#[must_use]
pub fn print_places(unit: &Unit, text: &str) -> String {
    Printer::new(unit, Some((text, LineIndex::new(text)))).unit()
}

struct Printer<'u> {
    unit: &'u Unit,
    text: Option<(&'u str, LineIndex)>,
    names: Vec<String>,
}

impl<'u> Printer<'u> {
    fn new(unit: &'u Unit, text: Option<(&'u str, LineIndex)>) -> Self {
        let mut seen: FxHashMap<&str, u32> = FxHashMap::default();
        let names = unit.slots.iter().map(|slot| {
            let count = seen.entry(slot.name.as_str()).or_default();
            *count += 1;
            match (slot.name.as_str(), *count) {
                ("", count) => format!("t{count}"),
                // Its owner tells which one it is.
                ("this", _) => "this".to_owned(),
                (name, 1) => name.to_owned(),
                (name, count) => format!("{name}~{count}"),
            }
        });
        Self { unit, text, names: names.collect() }
    }

    fn unit(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_unit(&mut out);
        out
    }

    fn write_unit(&self, out: &mut String) -> fmt::Result {
        let unit = self.unit;
        for import in &unit.imports {
            self.import(import, out)?;
        }
        for glob in &unit.globs {
            writeln!(out, "import * = {glob:?}")?;
        }
        for (name, ty) in &unit.aliases {
            writeln!(out, "type {name} = {ty}")?;
        }
        for (index, class) in unit.classes.iter().enumerate() {
            self.class(index, class, out)?;
        }
        for (index, func) in unit.functions.iter().enumerate() {
            self.function(index, func, out)?;
        }
        for export in &unit.exports {
            self.export(export, out)?;
        }
        for problem in &unit.problems {
            writeln!(out, "problem {}..{}: {}", problem.span.start, problem.span.end, problem.message)?;
        }
        Ok(())
    }

    fn import(&self, import: &Import, out: &mut String) -> fmt::Result {
        let type_only = if import.type_only { "type " } else { "" };
        let name = self.slot(import.slot);
        writeln!(out, "import {type_only}{name} = {}", module_member(&import.source, &import.name))
    }

    fn export(&self, export: &Export, out: &mut String) -> fmt::Result {
        let name = if export.name.is_empty() { "*" } else { &export.name };
        match &export.target {
            ExportTarget::Value(value) => writeln!(out, "export {name} = {}", self.show(value)),
            ExportTarget::From(source, member) => writeln!(out, "export {name} = {}", module_member(source, member)),
            ExportTarget::All(source) => writeln!(out, "export {name} from {source:?}"),
        }
    }

    fn class(&self, index: usize, class: &Class, out: &mut String) -> fmt::Result {
        write!(out, "class#{index} {}", class.name)?;
        if let Some(base) = &class.extends {
            write!(out, " extends {}", self.show(base))?;
        }
        if !class.implements.is_empty() {
            write!(out, " implements {}", class.implements.join(", "))?;
        }
        for decorator in &class.decorators {
            write!(out, " @{decorator}")?;
        }
        out.push('\n');
        for field in &class.fields {
            let kind = if field.is_static { "static field" } else { "field" };
            write!(out, "  {kind} {}", field.name)?;
            if let Some(ty) = &field.ty {
                write!(out, ": {ty}")?;
            }
            if let Some(value) = &field.value {
                write!(out, " = {}", self.show(value))?;
            }
            for attribute in &field.attributes {
                write!(out, " @{attribute}")?;
            }
            out.push('\n');
        }
        if let Some(constructor) = class.constructor {
            writeln!(out, "  constructor = fn#{}", constructor.0)?;
        }
        for method in &class.methods {
            let kind = match (method.is_static, method.is_getter) {
                (false, false) => "method",
                (false, true) => "getter",
                (true, false) => "static method",
                (true, true) => "static getter",
            };
            writeln!(out, "  {kind} {} = fn#{}", method.name, method.func.0)?;
        }
        Ok(())
    }

    fn function(&self, index: usize, func: &Func, out: &mut String) -> fmt::Result {
        write!(out, "fn#{index}")?;
        match func.kind {
            FuncKind::Module => write!(out, " module")?,
            FuncKind::Declared | FuncKind::Anonymous => {}
            FuncKind::Macro => write!(out, " macro")?,
            FuncKind::Method(class) => write!(out, " class#{}.", class.0)?,
            FuncKind::Constructor(class) => write!(out, " class#{}.", class.0)?,
        }
        if !func.name.is_empty() {
            let gap =
                if matches!(func.kind, FuncKind::Declared | FuncKind::Anonymous | FuncKind::Macro) { " " } else { "" };
            write!(out, "{gap}{}", func.name)?;
        }
        let params = func.params.iter().map(|param| {
            let rest = if param.rest { "..." } else { "" };
            match self.unit.slots.get(param.slot.index()).and_then(|slot| slot.ty.as_deref()) {
                Some(ty) => format!("{rest}{}: {ty}", self.slot(param.slot)),
                None => format!("{rest}{}", self.slot(param.slot)),
            }
        });
        if func.kind != FuncKind::Module {
            write!(out, "({})", params.collect::<Vec<_>>().join(", "))?;
        }
        if let Some(returns) = &func.returns {
            write!(out, " -> {returns}")?;
        }
        if let Some(parent) = func.parent.filter(|parent| parent.0 != 0) {
            write!(out, " in fn#{}", parent.0)?;
        }
        for (index, (name, bound)) in func.bounds.iter().enumerate() {
            write!(out, "{} {name}: {bound}", if index == 0 { " where" } else { "," })?;
        }
        if func.is_test {
            write!(out, " test")?;
        }
        out.push('\n');
        for (index, block) in func.blocks.iter().enumerate() {
            self.block(index, block, out)?;
        }
        Ok(())
    }

    fn block(&self, index: usize, block: &Block, out: &mut String) -> fmt::Result {
        match block.handler {
            Some(handler) => writeln!(out, "  b{index}, errors to b{}:", handler.0)?,
            None => writeln!(out, "  b{index}:")?,
        }
        for step in &block.steps {
            match step {
                Step::Set { slot, value, .. } => writeln!(out, "    {} = {}", self.slot(*slot), self.show(value))?,
                Step::Store { root, path, value, .. } => self.store(*root, path, value.as_ref(), out)?,
                Step::Call(call) => self.call(call, out)?,
                Step::Drop { slot, .. } => writeln!(out, "    drop {}", self.slot(*slot))?,
            }
        }
        match &block.exit {
            Exit::Goto(next) => writeln!(out, "    goto b{}", next.0),
            Exit::Branch { test, yes, no } => {
                writeln!(out, "    if {} then b{} else b{}", self.show(test), yes.0, no.0)
            }
            Exit::Return(None) => writeln!(out, "    return"),
            Exit::Return(Some(value)) => writeln!(out, "    return {}", self.show(value)),
            Exit::Throw(error) => writeln!(out, "    throw {}", self.show(error)),
            Exit::Unreachable => writeln!(out, "    unreachable"),
        }
    }

    fn store(&self, root: SlotId, path: &[Key], value: Option<&Expr>, out: &mut String) -> fmt::Result {
        let mut place = self.slot(root).to_owned();
        for key in path {
            match key {
                Key::Name(name) => member(name, &mut place),
                Key::Computed(index) => {
                    let _ = write!(place, "[{}]", self.show(index));
                }
            }
        }
        match value {
            Some(value) => writeln!(out, "    store {place} = {}", self.show(value)),
            None => writeln!(out, "    delete {place}"),
        }
    }

    fn call(&self, call: &Call, out: &mut String) -> fmt::Result {
        let form = match call.form {
            CallForm::Plain => "call",
            CallForm::New => "new",
            CallForm::Tag => "tag",
            CallForm::Macro => "macro",
        };
        write!(out, "    {} = {form} {}", self.slot(call.out), self.show(&call.callee))?;
        if !call.type_args.is_empty() {
            write!(out, "::<{}>", call.type_args.join(", "))?;
        }
        out.push('(');
        self.items(&call.args, out);
        out.push(')');
        if call.awaited {
            out.push_str(" awaited");
        }
        for (index, slot) in call.mutates.iter().enumerate() {
            write!(out, "{} {}", if index == 0 { " changes" } else { "," }, self.slot(*slot))?;
        }
        if let Some(place) = self.place(call.span) {
            write!(out, " @{place}")?;
        }
        out.push('\n');
        Ok(())
    }

    fn place(&self, span: Span) -> Option<String> {
        let (text, lines) = self.text.as_ref()?;
        let place = lines.position(text, span.start);
        Some(format!("{}:{}", place.line, place.column))
    }

    fn slot(&self, slot: SlotId) -> &str {
        self.names.get(slot.index()).map_or("?", String::as_str)
    }

    fn show(&self, expr: &Expr) -> String {
        let mut out = String::new();
        self.expr(expr, &mut out);
        out
    }

    fn items(&self, items: &[Item], out: &mut String) {
        for (index, item) in items.iter().enumerate() {
            out.push_str(if index == 0 { "" } else { ", " });
            match item {
                Item::Value(value) => self.expr(value, out),
                Item::Spread(value) => {
                    out.push_str("...");
                    self.expr(value, out);
                }
            }
        }
    }

    fn list(&self, name: &str, parts: &[&Expr], out: &mut String) {
        out.push_str(name);
        out.push('(');
        for (index, part) in parts.iter().enumerate() {
            out.push_str(if index == 0 { "" } else { ", " });
            self.expr(part, out);
        }
        out.push(')');
    }

    fn expr(&self, expr: &Expr, out: &mut String) {
        match &expr.kind {
            ExprKind::Slot(slot) => out.push_str(self.slot(*slot)),
            ExprKind::Global(name) => {
                out.push_str("::");
                out.push_str(name);
            }
            ExprKind::This => out.push_str("this"),
            ExprKind::Const(value) => constant(value, out),
            ExprKind::Template(parts) => self.template(parts, out),
            ExprKind::Field(base, name) => {
                self.expr(base, out);
                member(name, out);
            }
            ExprKind::Index(base, index) => {
                self.expr(base, out);
                out.push('[');
                self.expr(index, out);
                out.push(']');
            }
            ExprKind::Object(entries) => self.object(entries, out),
            ExprKind::Array(items) => {
                out.push('[');
                self.items(items, out);
                out.push(']');
            }
            ExprKind::Func(func) => out.push_str(&format!("fn#{}", func.0)),
            ExprKind::Class(class) => out.push_str(&format!("class#{}", class.0)),
            ExprKind::Module(source) => out.push_str(&format!("module({source:?})")),
            ExprKind::Unary(UnaryOp::Not, operand) => {
                out.push('!');
                self.expr(operand, out);
            }
            ExprKind::Unary(UnaryOp::Neg, operand) => {
                out.push('-');
                self.expr(operand, out);
            }
            ExprKind::Unary(UnaryOp::Other, operand) => self.list("other", &[operand], out),
            ExprKind::Binary(op, left, right) => {
                out.push('(');
                self.expr(left, out);
                out.push_str(&format!(" {} ", operator(*op)));
                self.expr(right, out);
                out.push(')');
            }
            ExprKind::Choice(test, yes, no) => {
                out.push('(');
                self.expr(test, out);
                out.push_str(" ? ");
                self.expr(yes, out);
                out.push_str(" : ");
                self.expr(no, out);
                out.push(')');
            }
            ExprKind::Element(source) => self.list("element", &[source], out),
            ExprKind::Over { how, source, body } => self.list(over(*how), &[source, body], out),
            ExprKind::Rest(source, names) => {
                out.push_str("rest(");
                self.expr(source, out);
                for name in names {
                    out.push_str(" -");
                    out.push_str(name);
                }
                out.push(')');
            }
            ExprKind::Caught => out.push_str("caught"),
            ExprKind::Opaque(parts) => self.list("opaque", &parts.iter().collect::<Vec<_>>(), out),
        }
    }

    fn template(&self, parts: &[TemplatePart], out: &mut String) {
        out.push('`');
        for part in parts {
            match part {
                TemplatePart::Text(text) => out.push_str(&text.replace('\n', "\\n")),
                TemplatePart::Hole(value) => {
                    out.push_str("${");
                    self.expr(value, out);
                    out.push('}');
                }
            }
        }
        out.push('`');
    }

    fn object(&self, entries: &[Entry], out: &mut String) {
        out.push('{');
        for (index, entry) in entries.iter().enumerate() {
            out.push_str(if index == 0 { "" } else { ", " });
            match entry {
                Entry::Field { key, value, .. } => {
                    if is_name(key) {
                        out.push_str(key);
                    } else {
                        out.push_str(&format!("{key:?}"));
                    }
                    out.push_str(": ");
                    self.expr(value, out);
                }
                Entry::Computed(key, value) => {
                    out.push('[');
                    self.expr(key, out);
                    out.push_str("]: ");
                    self.expr(value, out);
                }
                Entry::Spread(value) => {
                    out.push_str("...");
                    self.expr(value, out);
                }
            }
        }
        out.push('}');
    }
}

fn module_member(source: &str, name: &ImportName) -> String {
    match name {
        ImportName::Default => format!("{source:?}.default"),
        ImportName::Namespace => format!("{source:?}"),
        ImportName::Named(name) => format!("{source:?}.{name}"),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '#'))
}

fn member(name: &str, out: &mut String) {
    if is_name(name) {
        out.push('.');
        out.push_str(name);
    } else {
        out.push_str(&format!("[{name:?}]"));
    }
}

fn constant(value: &Const, out: &mut String) {
    match value {
        Const::Null => out.push_str("null"),
        Const::Unset => out.push_str("undefined"),
        Const::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Const::Number(number) => out.push_str(number),
        Const::Text(text) => out.push_str(&format!("{text:?}")),
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
        BinaryOp::Coalesce => "??",
        BinaryOp::In => "in",
        BinaryOp::InstanceOf => "instanceof",
        BinaryOp::Other => "other",
    }
}

fn over(how: Over) -> &'static str {
    match how {
        Over::Map => "map",
        Over::Filter => "filter",
        Over::Find => "find",
        Over::Some => "some",
        Over::Every => "every",
        Over::Fold => "fold",
    }
}
