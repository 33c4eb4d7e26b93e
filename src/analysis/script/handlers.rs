//! What a program does about an error of the database.

use rustc_hash::FxHashSet;

use crate::analysis::flow::Flow;

use crate::ir::{BinaryOp, UnaryOp};
use crate::library::{ErrorKind, ErrorRow, Verb};
use crate::model::{BlockId, Event, Exit, FrameId, Literal, ObjectEntry, OpId, Trace, Val, ValId};

/// What becomes of an error that is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handling {
    /// The run answers something of its own choice.
    Declines {
        /// A read that it does first.
        reads: Option<OpId>,
    },
    /// It goes on as if nothing had happened.
    GoesOn,
    /// It tries again.
    Retries,
}

/// What the handler at a block, or one around it, does about an error; and where the one stands that acts. `None`: nobody
/// tests for it.
#[must_use]
pub fn handling(
    trace: &Trace<'_>,
    flow: &Flow,
    failed: BlockId,
    handler: BlockId,
    kind: ErrorKind,
) -> Option<(Handling, BlockId)> {
    let mut at = handler;
    // Who finds the row gone has not done what the other one has, whatever comes then.
    if kind != ErrorKind::NotFound && rejoins(trace, failed, handler).is_some() {
        return Some((Handling::GoesOn, handler));
    }
    for _ in 0..6 {
        match walk(trace, flow, failed, at, kind) {
            Walk::Handled(handling) => return Some((handling, at)),
            Walk::Passes(Some(outer)) => at = outer,
            Walk::Passes(None) => return None,
        }
    }
    None
}

/// Where a handler that does nothing at all goes on, if that is where a run goes on as well in which nothing has failed.
pub(super) fn rejoins(trace: &Trace<'_>, failed: BlockId, handler: BlockId) -> Option<Vec<BlockId>> {
    let mut ends = vec![handler];
    let mut at = handler;
    while let Exit::Goto(next) = trace.block(at).exit {
        if !trace.block(at).events.is_empty() || ends.contains(&next) {
            break;
        }
        ends.push(next);
        at = next;
    }
    let (mut todo, mut seen) = (vec![failed], FxHashSet::default());
    while let Some(block) = todo.pop() {
        if ends.contains(&block) {
            return Some(ends);
        }
        if seen.len() > 200 || !seen.insert(block) {
            continue;
        }
        match &trace.block(block).exit {
            Exit::Goto(next) => todo.push(*next),
            Exit::Branch { yes, no, .. } => todo.extend([*yes, *no]),
            Exit::Return(..) | Exit::Raise(..) | Exit::Throw(..) | Exit::Unreachable => {}
        }
    }
    None
}

/// Whether the handler at a block keeps an error to itself: wherever it leads, its function goes on or answers as if there
/// had been none, and nobody outside is told. What a literal makes of the error is its function's, which may throw it.
#[must_use]
pub fn swallows(trace: &Trace<'_>, handler: BlockId) -> bool {
    let own = trace.reporting_frame(trace.block(handler).frame);
    let (mut todo, mut seen) = (vec![handler], FxHashSet::default());
    while let Some(block) = todo.pop() {
        if seen.len() > 100 {
            return false;
        }
        let it = trace.block(block);
        let left = trace.reporting_frame(it.frame) != own && !runs_inside(trace, it.frame, own);
        if left || !seen.insert(block) {
            continue;
        }
        let tells = |call: &crate::model::Effect| hands_on(trace, call) || answers(trace, call);
        if it.events.iter().any(|event| matches!(event, Event::Call(call) if tells(call))) {
            return false;
        }
        match &it.exit {
            Exit::Goto(next) => todo.push(*next),
            Exit::Branch { yes, no, .. } => todo.extend([*yes, *no]),
            Exit::Return(value, _) if !reports(trace, *value) => {}
            Exit::Return(..) | Exit::Raise(..) | Exit::Throw(..) | Exit::Unreachable => return false,
        }
    }
    true
}

enum Walk {
    Handled(Handling),
    /// The error goes on, to an outer handler if there is one.
    Passes(Option<BlockId>),
}

fn walk(trace: &Trace<'_>, flow: &Flow, failed: BlockId, start: BlockId, kind: ErrorKind) -> Walk {
    let mut seen = FxHashSet::default();
    // Each way carries whether a test on it has recognised the error, and whether it has been handed on.
    let mut todo = vec![(start, false, false)];
    let mut reads = None;
    let mut passes = None;
    let mut declined = false;
    let mut reported = false;
    let mut goes_on = false;
    // Whether it goes on where the error was recognised, and whether it is thrown on there all the same.
    let (mut taken_in, mut thrown_on) = (false, false);
    let mut retries = false;
    // Whether some test on the error was understood at all.
    let mut told = false;
    while let Some((block, recognised, handed_on)) = todo.pop() {
        let mut handed_on = handed_on;
        if !seen.insert((block, recognised, handed_on)) {
            continue;
        }
        if seen.len() > 400 {
            break;
        }
        let it = trace.block(block);
        if it.is_loop && flow.position(block) <= flow.position(failed) {
            // Back to the head of a loop around the statement. Where the function that handles it has returned to a loop
            // of its caller's, it has answered, and what comes is the next of several.
            if runs_inside(trace, trace.block(start).frame, it.frame) {
                declined |= recognised;
            } else if recognised || !told {
                retries = true;
            }
            continue;
        }
        for event in &it.events {
            match event {
                Event::Op(op) => {
                    let op_kind = trace.op(*op).verb;
                    if matches!(op_kind, Verb::Read | Verb::Count) {
                        reads = reads.or(Some(*op));
                    } else if op_kind != Verb::Sql {
                        // It writes: it has taken the error into account.
                        goes_on = true;
                        taken_in |= recognised;
                    }
                }
                Event::Call(call) => handed_on |= hands_on(trace, call),
                Event::Open(_) | Event::Close(_) | Event::Abort(_) => {}
            }
        }
        match &it.exit {
            Exit::Goto(next) => {
                todo.push((*next, recognised, handed_on));
            }
            Exit::Branch { test, yes, no, .. } => match recognises(trace, *test, kind) {
                Some(true) => {
                    told = true;
                    todo.push((*yes, true, handed_on));
                }
                Some(false) => {
                    told = true;
                    // A negated test has recognised the error where it is false.
                    todo.push((*no, recognised || singles_out(trace, *test, kind), handed_on));
                }
                None => {
                    todo.push((*no, recognised, handed_on));
                    todo.push((*yes, recognised, handed_on));
                }
            },
            Exit::Return(value, _) => {
                // A handler that answers nothing has at most written a log. Where errors are values, that is its answer.
                let answers = trace.errors_are_values || !trace.values.literal(*value).is_some_and(Literal::is_absent);
                if recognised || is_looked_up(trace, *value, kind) || answers && !handed_on && !reports(trace, *value) {
                    declined = true;
                } else {
                    reported = true;
                }
            }
            Exit::Throw(value, _) => {
                thrown_on |= recognised && is_caught(trace, *value);
                if (recognised || is_looked_up(trace, *value, kind)) && !is_caught(trace, *value) {
                    declined = true;
                } else {
                    reported = true;
                }
            }
            Exit::Raise(outer, value) => {
                thrown_on |= recognised && is_caught(trace, *value);
                if (recognised || is_looked_up(trace, *value, kind)) && !is_caught(trace, *value) {
                    declined = true;
                } else {
                    passes = passes.or(Some(*outer));
                }
            }
            Exit::Unreachable => {}
        }
    }
    if retries && (told || !declined) {
        return Walk::Handled(Handling::Retries);
    }
    if declined {
        return Walk::Handled(Handling::Declines { reads });
    }
    if goes_on && (taken_in && !thrown_on || !reported && passes.is_none()) {
        return Walk::Handled(Handling::GoesOn);
    }
    Walk::Passes(passes)
}

/// Whether a function's run is a proper part of another's: not its own, and no callback that runs in place in it.
fn runs_inside(trace: &Trace<'_>, inner: FrameId, outer: FrameId) -> bool {
    let [inner, outer] = [inner, outer].map(|frame| trace.reporting_frame(frame));
    let mut next = trace.frames[inner.index()].caller.map(|(caller, _)| caller);
    while let Some(frame) = next {
        if trace.reporting_frame(frame) == outer {
            return inner != outer;
        }
        next = trace.frames[frame.index()].caller.map(|(caller, _)| caller);
    }
    false
}

/// Whether an answer is made from a table that is asked by the error's code, and that has an answer of its own for a kind
/// of error: `answers[error.code] ?? "INTERNAL"`.
fn is_looked_up(trace: &Trace<'_>, value: ValId, kind: ErrorKind) -> bool {
    let says_what = |answer: ValId| {
        let generic = |text: &str| text.to_lowercase().contains("internal");
        !reports(trace, answer) && !trace.values.text(answer).is_some_and(generic)
    };
    trace.values.any_within(value, 12, &mut |part| {
        let Val::Index(table, code) = trace.values.get(part) else { return false };
        let Val::Object(entries) = trace.values.get(*table) else { return false };
        mentions_caught(trace, *code, 8)
            && entries.iter().any(|entry| match entry {
                ObjectEntry::Field(code, answer) => known_code(trace, code, kind) == Some(true) && says_what(*answer),
                _ => false,
            })
    })
}

/// Whether an answer says that something went wrong, without saying what.
fn reports(trace: &Trace<'_>, value: ValId) -> bool {
    let mut todo = vec![value];
    let mut steps = 0;
    while let Some(value) = todo.pop() {
        steps += 1;
        if steps > 60 {
            break;
        }
        match trace.values.get(value) {
            Val::Const(Literal::Number(number)) if number.len() == 3 && number.starts_with('5') => return true,
            _ => todo.extend(trace.values.parts(value)),
        }
    }
    false
}

/// Whether a call passes the error on to whoever answers for it, or answers that something went wrong.
fn hands_on(trace: &Trace<'_>, call: &crate::model::Effect) -> bool {
    let name = call.name.rsplit('.').next().unwrap_or("");
    if matches!(name, "next" | "reject" | "done" | "callback") {
        return call.args.iter().any(|arg| mentions_caught(trace, *arg, 6));
    }
    call.args.first().is_some_and(|arg| match trace.values.literal(*arg) {
        Some(Literal::Number(number)) => name.ends_with("tatus") && number.len() == 3 && number.starts_with('5'),
        _ => false,
    })
}

/// Whether a call answers whoever has asked that something went wrong: with a status that says so, or the error's own, or
/// with something of the error in the answer.
fn answers(trace: &Trace<'_>, call: &crate::model::Effect) -> bool {
    let name = call.name.rsplit('.').next().unwrap_or("");
    let of_error = |arg: &ValId| mentions_caught(trace, *arg, 6);
    if name.ends_with("tatus") {
        let says_so = |arg: &ValId| match trace.values.literal(*arg) {
            Some(Literal::Number(number)) => number.len() == 3 && number.starts_with(['4', '5']),
            _ => of_error(arg),
        };
        return call.args.first().is_some_and(says_so);
    }
    matches!(name, "json" | "send" | "end" | "render") && call.args.iter().any(of_error)
}

fn is_caught(trace: &Trace<'_>, value: ValId) -> bool {
    matches!(trace.values.get(value), Val::Caught(_))
}

/// The rows of all libraries that the trace uses.
fn error_rows<'t>(trace: &'t Trace<'_>) -> impl Iterator<Item = &'t ErrorRow> {
    let mut seen: Vec<&str> = Vec::new();
    trace.ops.iter().flat_map(move |op| match op.by {
        Some((_, library)) if !seen.contains(&library.id.as_str()) => {
            seen.push(&library.id);
            library.errors.as_slice()
        }
        _ => &[],
    })
}

/// Whether a test is true for an error of a kind; `None` where it does not say.
#[must_use]
pub fn recognises(trace: &Trace<'_>, test: ValId, kind: ErrorKind) -> Option<bool> {
    recognises_within(trace, test, kind, 10)
}

fn recognises_within(trace: &Trace<'_>, test: ValId, kind: ErrorKind, depth: usize) -> Option<bool> {
    let depth = depth.checked_sub(1)?;
    let recognises = |trace: &Trace<'_>, test: ValId, kind: ErrorKind| recognises_within(trace, test, kind, depth);
    match trace.values.get(test) {
        Val::Unary(UnaryOp::Not, inner) => recognises(trace, *inner, kind).map(|t| !t),
        Val::Binary(BinaryOp::And, a, b) => match (recognises(trace, *a, kind), recognises(trace, *b, kind)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, None) => None,
        },
        Val::Binary(BinaryOp::Or, a, b) => match (recognises(trace, *a, kind), recognises(trace, *b, kind)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Val::Binary(op @ (BinaryOp::Eq | BinaryOp::Ne), a, b) => {
            // `a ?? b` is one or the other.
            let answer = match trace.values.get(*a) {
                // Something that is there where a test has let it through.
                Val::Choice(..) | Val::Phi(_) if is_absent(trace, *b) => {
                    lets_through(trace, *a, kind, depth).map(|answer| !answer)
                }
                Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, one, other) => {
                    match (code_test(trace, *one, *b, kind), code_test(trace, *other, *b, kind)) {
                        (Some(one), Some(other)) => Some(one || other),
                        (one, other) => one.or(other),
                    }
                }
                _ => code_test(trace, *a, *b, kind),
            };
            answer.map(|answer| answer == (*op == BinaryOp::Eq))
        }
        Val::Binary(BinaryOp::InstanceOf, _, class) => {
            if let Val::Class(_) = trace.values.get(*class) {
                // A class of the project's own is not what the database throws.
                return Some(false);
            }
            let name = class_name(trace, *class)?;
            let known = error_rows(trace).any(|row| row.classes.iter().any(|c| c == name));
            if known {
                let own = error_rows(trace).any(|row| row.kind == kind && row.classes.iter().any(|c| c == name));
                return own.then_some(true);
            }
            None
        }
        Val::Phi(phi) => {
            let operands = &trace.values.phi(*phi).operands;
            if operands.len() > 4 {
                return None;
            }
            // A predicate that has taken the error apart knows it on one way, and says no on all others. What was only noted
            // of it tells ways apart, and no errors.
            let is_noted = |v: ValId| matches!(trace.values.get(v), Val::Const(_));
            let mut asked = operands.iter().map(|(_, v)| *v).filter(|v| !is_noted(*v));
            if asked.any(|v| recognises(trace, v, kind) == Some(true)) {
                return Some(true);
            }
            if let Some(answer) = sorted_out(trace, operands, kind, depth) {
                return Some(answer);
            }
            let mut answers = operands.iter().map(|(_, v)| recognises(trace, *v, kind));
            let first = answers.next()??;
            answers.all(|other| other == Some(first)).then_some(first)
        }
        Val::Choice(test, yes, no) => match recognises(trace, *test, kind)? {
            true => recognises(trace, *yes, kind),
            false => recognises(trace, *no, kind),
        },
        Val::Const(literal) => Some(literal.is_truthy()),
        Val::Call { callee, args, .. } => {
            if let (Val::Field(receiver, method), [needle]) = (trace.values.get(*callee), args.as_slice())
                && method == "includes"
            {
                return includes_test(trace, *receiver, *needle, kind);
            }
            let name = match trace.values.get(*callee) {
                Val::Field(_, name) | Val::Global(name) | Val::External(_, name) => name.as_str(),
                _ => return None,
            };
            let receiver = match trace.values.get(*callee) {
                Val::Field(receiver, _) => Some(*receiver),
                _ => None,
            };
            if !args.iter().chain(&receiver).any(|part| mentions_caught(trace, *part, 6)) {
                return None;
            }
            let asks = |row: &ErrorRow| row.tests.iter().any(|test| test == name);
            if error_rows(trace).any(asks) {
                return Some(error_rows(trace).any(|row| row.kind == kind && asks(row)));
            }
            // Any other question about the error is one that its name does not answer.
            args.iter().any(|arg| mentions_caught(trace, *arg, 6)).then(|| named_for(name, kind)).flatten()
        }
        Val::Derived(parts) => parts.iter().find_map(|part| recognises(trace, *part, kind)),
        _ => None,
    }
}

/// What a predicate answers that says no to all errors but some, and asks those for more that is not understood: no where a
/// branch sends the kind to a plain no, and yes where one sends only others there.
fn sorted_out(trace: &Trace<'_>, operands: &[(BlockId, ValId)], kind: ErrorKind, depth: usize) -> Option<bool> {
    let says_no = |value: ValId| trace.values.literal(value).is_some_and(|literal| !literal.is_truthy());
    let (refused, further): (Vec<_>, Vec<_>) = operands.iter().partition(|(_, value)| says_no(*value));
    if refused.is_empty() || !further.iter().all(|(_, value)| mentions_caught(trace, *value, 8)) {
        return None;
    }
    let mut answer = None;
    for block in &trace.blocks {
        let Exit::Branch { test, yes, no, .. } = &block.exit else { continue };
        let [if_so, if_not] = [*yes, *no].map(|way| refused.iter().any(|(from, _)| goes_on_to(trace, way, *from)));
        if if_so == if_not {
            continue;
        }
        match recognises_within(trace, *test, kind, depth) {
            Some(truth) if truth == if_so => return Some(false),
            Some(_) => answer = Some(true),
            None if if_so && singles_out(trace, *test, kind) => answer = Some(true),
            None => {}
        }
    }
    answer
}

/// Whether a block leads to another without a choice.
fn goes_on_to(trace: &Trace<'_>, mut block: BlockId, to: BlockId) -> bool {
    for _ in 0..8 {
        match &trace.block(block).exit {
            _ if block == to => return true,
            Exit::Goto(next) => block = *next,
            _ => return false,
        }
    }
    false
}

fn is_absent(trace: &Trace<'_>, value: ValId) -> bool {
    trace.values.literal(value).is_some_and(Literal::is_absent)
}

/// Whether `test ? value : nothing` is there for an error of a kind.
fn lets_through(trace: &Trace<'_>, value: ValId, kind: ErrorKind, depth: usize) -> Option<bool> {
    let depth = depth.checked_sub(1)?;
    match trace.values.get(value) {
        Val::Choice(test, yes, no) if is_absent(trace, *no) => {
            let (outer, inner) = (recognises_within(trace, *test, kind, depth), lets_through(trace, *yes, kind, depth));
            if outer == Some(false) { Some(false) } else { inner.or(outer) }
        }
        Val::Phi(_) => lets_through(trace, present(trace, value)?, kind, depth),
        _ => None,
    }
}

/// The one value that a join stands for where it is there at all.
fn present(trace: &Trace<'_>, value: ValId) -> Option<ValId> {
    let Val::Phi(phi) = trace.values.get(value) else { return Some(value) };
    let mut values = trace.values.phi(*phi).operands.iter().map(|(_, v)| *v).filter(|v| !is_absent(trace, *v));
    let only = values.next()?;
    values.next().is_none().then_some(only)
}

/// Whether a test that is false for an error is so because it asks for any error but this one.
fn singles_out(trace: &Trace<'_>, test: ValId, kind: ErrorKind) -> bool {
    match trace.values.get(test) {
        Val::Unary(UnaryOp::Not, inner) => recognises(trace, *inner, kind) == Some(true),
        Val::Binary(BinaryOp::Ne, a, b) => code_test(trace, *a, *b, kind) == Some(true),
        Val::Binary(BinaryOp::Or, a, b) => singles_out(trace, *a, kind) || singles_out(trace, *b, kind),
        _ => false,
    }
}

/// What a predicate's name promises.
fn named_for(name: &str, kind: ErrorKind) -> Option<bool> {
    let lower = name.to_lowercase();
    let unique = lower.contains("unique") || lower.contains("duplicate");
    let serialization = lower.contains("serializ")
        || lower.contains("deadlock")
        || lower.contains("retry")
        || lower.contains("writeconflict");
    let missing = lower.contains("notfound");
    if !(unique || serialization || missing) {
        return None;
    }
    Some(match kind {
        ErrorKind::UniqueViolation => unique,
        ErrorKind::Serialization | ErrorKind::SerializationAtCommit | ErrorKind::SerializationInSql => serialization,
        ErrorKind::NotFound => missing,
        ErrorKind::ForeignKey => false,
    })
}

fn code_test(trace: &Trace<'_>, a: ValId, b: ValId, kind: ErrorKind) -> Option<bool> {
    let [a, b] = [a, b].map(|value| present(trace, value).unwrap_or(value));
    let (member, code) = match (trace.values.text(a), trace.values.text(b)) {
        (None, Some(code)) => (a, code),
        (Some(code), None) => (b, code),
        // A constant out of sight says what it means by its name.
        (None, None) => {
            let (member, constant) = if mentions_caught(trace, a, 8) { (a, b) } else { (b, a) };
            return match trace.values.get(constant) {
                Val::Field(_, name) | Val::External(_, name) if mentions_caught(trace, member, 8) => {
                    let names = |row: &ErrorRow| row.classes.iter().any(|class| class == name);
                    if error_rows(trace).any(names) {
                        return Some(error_rows(trace).any(|row| row.kind == kind && names(row)));
                    }
                    named_for(name, kind)
                }
                _ => None,
            };
        }
        (Some(_), Some(_)) => return None,
    };
    let name = match trace.values.get(member) {
        Val::Field(_, name) => name,
        // Read by a call: `error.code()`.
        Val::Call { callee, args, .. } if args.is_empty() => match trace.values.get(*callee) {
            Val::Field(_, name) => name,
            _ => return None,
        },
        Val::Index(..) => return known_code(trace, code, kind),
        _ => return None,
    };
    if !mentions_caught(trace, member, 8) {
        return None;
    }
    let is_member = error_rows(trace).any(|row| row.members.iter().any(|m| m == name));
    if is_member || error_rows(trace).any(|row| row.codes.iter().any(|c| c == code)) {
        let on_the_way = |row: &ErrorRow| row.within.is_empty() || goes_through(trace, member, &row.within, 8);
        let fits = |row: &ErrorRow| row.kind == kind && row.codes.iter().any(|c| c == code) && on_the_way(row);
        return Some(error_rows(trace).any(fits));
    }
    let unique = |row: &ErrorRow| row.kind == ErrorKind::UniqueViolation && row.constraints.iter().any(|it| it == name);
    if error_rows(trace).any(unique) && is_key(code) {
        return Some(kind == ErrorKind::UniqueViolation);
    }
    (name == "name").then_some(false)
}

/// Whether the name of a constraint may be that of a key: it sounds like no other kind of constraint.
fn is_key(name: &str) -> bool {
    let lower = name.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    !words.any(|word| matches!(word, "fk" | "fkey" | "foreign" | "check" | "chk" | "ck" | "excl"))
}

/// Whether a member is read from inside one of these members of the error.
fn goes_through(trace: &Trace<'_>, value: ValId, within: &[String], depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match trace.values.get(value) {
        Val::Field(base, name) => within.contains(name) || goes_through(trace, *base, within, depth),
        _ => false,
    }
}

fn known_code(trace: &Trace<'_>, code: &str, kind: ErrorKind) -> Option<bool> {
    let known = error_rows(trace).any(|row| row.codes.iter().any(|c| c == code));
    known.then(|| error_rows(trace).any(|row| row.kind == kind && row.codes.iter().any(|c| c == code)))
}

/// `message.includes("Unique constraint")`, `["P2002", "P2034"].includes(e.code)`.
fn includes_test(trace: &Trace<'_>, receiver: ValId, needle: ValId, kind: ErrorKind) -> Option<bool> {
    if let Some(text) = trace.values.text(needle) {
        let fits = |row: &ErrorRow| {
            let text = text.to_lowercase();
            row.messages.iter().any(|m| m.to_lowercase().contains(&text) || text.contains(&m.to_lowercase()))
                || row.codes.iter().any(|c| c.to_lowercase() == text)
        };
        if !mentions_caught(trace, receiver, 8) {
            return None;
        }
        if error_rows(trace).any(|row| row.kind == kind && fits(row)) {
            return Some(true);
        }
        return error_rows(trace).any(fits).then_some(false);
    }
    if !mentions_caught(trace, needle, 8) {
        return None;
    }
    let Val::Array(items) = trace.values.get(receiver) else { return None };
    let codes: Vec<&str> = items
        .iter()
        .filter_map(|item| match item {
            crate::model::ArrayItem::Value(v) | crate::model::ArrayItem::Spread(v) => trace.values.text(*v),
        })
        .collect();
    let known = |row: &ErrorRow| row.codes.iter().any(|c| codes.contains(&c.as_str()));
    if error_rows(trace).any(|row| row.kind == kind && known(row)) {
        return Some(true);
    }
    error_rows(trace).any(known).then_some(false)
}

fn mentions_caught(trace: &Trace<'_>, value: ValId, depth: usize) -> bool {
    trace.values.any_within(value, depth, &mut |value| matches!(trace.values.get(value), Val::Caught(_)))
}

fn class_name<'t>(trace: &'t Trace<'_>, class: ValId) -> Option<&'t str> {
    match trace.values.get(class) {
        Val::Global(name) | Val::Field(_, name) | Val::External(_, name) => Some(name),
        _ => None,
    }
}
