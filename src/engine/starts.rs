//! What is traced besides functions: what wrappers make of functions, and functions that answer one request in order.

use rustc_hash::FxHashSet;

use crate::ir::{CallForm, Expr, ExprKind, FuncId, Item, SlotId, Step};
use crate::link::{FuncRef, UnitId};
use crate::model::{Definition, Model, Start};

/// All further starts, in the order of the program. Functions that `in_place` names have been run where they stand.
pub(super) fn further(model: &Model<'_>, in_place: &FxHashSet<FuncRef>) -> Vec<Start> {
    let rows = model.registry.libraries().iter().flat_map(|library| &library.pipelines);
    let registering: FxHashSet<&str> = rows.flat_map(|row| row.on.names()).collect();
    let mut found = Vec::new();
    for (unit, it) in model.program.units() {
        let mut made: FxHashSet<SlotId> = FxHashSet::default();
        for step in it.functions.iter().flat_map(|func| &func.blocks).flat_map(|block| &block.steps) {
            let Step::Call(call) = step else { continue };
            if call.form != CallForm::Plain {
                continue;
            }
            let hands_over = call.args.iter().any(|arg| match arg {
                Item::Value(arg) => is_handler(model, unit, arg, &made, in_place),
                Item::Spread(_) => false,
            });
            let is_named = matches!(&call.callee.kind, ExprKind::Slot(_) | ExprKind::Field(..));
            if hands_over && is_named {
                made.insert(call.out);
                found.push(Start::Made(unit, call.out));
            }
            if let ExprKind::Field(_, name) = &call.callee.kind
                && registering.contains(name.as_str())
                && call.args.len() > 2
            {
                found.push(Start::Pipeline(unit, call.out));
            }
        }
    }
    found
}

/// Whether an argument is a function that reaches the database, or what a wrapper made of one.
fn is_handler(
    model: &Model<'_>,
    unit: UnitId,
    arg: &Expr,
    made: &FxHashSet<SlotId>,
    in_place: &FxHashSet<FuncRef>,
) -> bool {
    let reaches = |func: FuncId| {
        let func = FuncRef { unit, func };
        model.survey.shape(func).reaches_database && !in_place.contains(&func)
    };
    match &arg.kind {
        ExprKind::Func(func) => reaches(*func),
        ExprKind::Slot(slot) if made.contains(slot) => true,
        ExprKind::Slot(slot) => match model.survey.definitions(unit).of.get(slot).map(Vec::as_slice) {
            Some([Definition::Set(_, Expr { kind: ExprKind::Func(func), .. })]) => reaches(*func),
            _ => false,
        },
        _ => false,
    }
}
