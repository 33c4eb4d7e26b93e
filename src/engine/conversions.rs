//! What becomes of an error on its way out of a function: where the type of its errors is made from those of the database,
//! that conversion may tell a violation from everything else, and gives an answer of its own for it.

use super::Workspace;
use super::callers::{self, Traces, Verdict};
use crate::analysis::Flow;
use crate::analysis::case::Case;
use crate::analysis::window::Search;
use crate::library::ErrorKind;
use crate::link::{FuncRef, Program};
use crate::model::{self, LastResort, Model, Start, Trace};

/// How many conversions are tried for one case.
const TRIED: usize = 6;

/// Whether the error that a case ends with leaves some function, from the one that acts to the one that sees both ends, by a
/// conversion which recognises it.
pub(super) fn answer<'m>(
    workspace: &Workspace,
    model: &'m Model<'_>,
    traces: &mut Traces<'m>,
    start: Start,
    case: &Case,
) -> bool {
    let (trace, _) = callers::traced(model, traces, (start, None));
    let mut tried = conversions_around(model.program, trace, case);
    tried.truncate(TRIED);
    tried.into_iter().any(|func| {
        let entry = (start, Some(LastResort { func, registered: start.unit() }));
        let closed = matches!(callers::judge_again(workspace, model, traces, entry, case), Verdict::Closed);
        let tells = |(trace, flow): &mut (Trace<'m>, Flow)| {
            Search::new(trace, flow, model.schemas).is_told_apart(func, ErrorKind::UniqueViolation)
        };
        closed && traces.get_mut(&entry).is_some_and(tells)
    })
}

/// The conversions by which errors leave the functions around a case's act, the innermost first.
fn conversions_around(program: &Program, trace: &Trace<'_>, case: &Case) -> Vec<FuncRef> {
    let is_act = |site: model::Site| site.unit == case.act.unit && site.span == case.act.span;
    let mut frame = trace.ops.iter().find(|op| is_act(op.site)).map(|op| op.frame);
    let mut found: Vec<FuncRef> = Vec::new();
    while let Some(at) = frame {
        let run = &trace.frames[at.index()];
        for conversion in program.error_conversions(run.func) {
            if !found.contains(&conversion) {
                found.push(conversion);
            }
        }
        frame = run.caller.map(|(caller, _)| caller);
    }
    found
}
