//! Which values two runs share, and which are each run's own.

use super::*;

impl Terms {
    /// Makes the values of the check's condition the same in both runs.
    ///
    /// With `mover`, the rows that this operation picks are each run's own.
    pub fn fix_predicate(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], check: OpId, mover: Option<OpId>) {
        let mut see = self.seeing();
        let conditions = trace.conditions(schemas, check, &mut |trace, value| see(trace, value));
        let mut values = Vec::new();
        match mover {
            None => {
                shared(&conditions, &mut values);
                // What it asks for on other ways is what both runs were given, too.
                let unseen = trace.conditions(schemas, check, &mut |_, value| value);
                shared(&unseen, &mut values);
                // And what an insert looks for by itself, in the same statement.
                for look in looks_within(trace, check) {
                    let sought = trace.conditions(schemas, look, &mut |trace, value| see(trace, value));
                    shared(&sought, &mut values);
                }
            }
            Some(mover) => {
                let others = trace.conditions(schemas, mover, &mut |trace, value| see(trace, value));
                // Both runs share the group; the row that one picks out of it is its own.
                let (group, single) =
                    if trace.op(check).rows == Rows::Many { (&conditions, &others) } else { (&others, &conditions) };
                let picked: Vec<ValId> = single.all.iter().map(|c| c.value).collect();
                let in_group = group.all.iter().filter(|c| c.op == Compare::Eq && !picked.contains(&c.value));
                values.extend(in_group.map(|c| c.value));
            }
        }
        for value in values {
            if let Val::Array(items) = trace.values.get(value) {
                for item in items {
                    let (ArrayItem::Value(v) | ArrayItem::Spread(v)) = item;
                    self.agreed.insert(*v);
                }
            }
            self.agree_on_origins(trace, value);
            // Who means the same key of a row means the same row, and has named it by the same.
            self.agree_on_row_of(trace, schemas, value);
            // Who has been told of the same one elsewhere has been told the same of it.
            if let Val::Field(told, column) = trace.values.get(value)
                && let Val::Call { callee, is_new: false, .. } = trace.values.get(*told)
                && column.to_lowercase().ends_with("id")
                && !reads_input(trace, *callee)
            {
                self.agreed.insert(*told);
            }
        }
        // A row found by agreed keys is the same for both, whether it was there or has been made on the way.
        let count = u32::try_from(trace.ops.len()).unwrap_or(u32::MAX);
        if mover.is_none() {
            self.agree_beside_keys(trace, schemas, (0..count).map(OpId));
        }
        let own_choice = mover.map(|_| check);
        let finds = |op: &OpId| Some(*op) != own_choice && matches!(trace.op(*op).verb, Verb::Read | Verb::Upsert);
        let others: Vec<OpId> = (0..count).map(OpId).filter(finds).collect();
        for op in others {
            let asked = trace.conditions(schemas, op, &mut |trace, value| see(trace, value));
            let keyed = trace.op(op).rows == Rows::One && !asked.all.is_empty() && !asked.opaque;
            if keyed && asked.all.iter().all(|c| self.agrees(trace, c.value, 16)) {
                let row = trace.values.add(Val::Result(op));
                self.agreed.insert(row);
            }
        }
        // Rows that were read along with the checked one are the same rows for both.
        for op in (0..count).map(OpId) {
            if matches!(trace.op(op).source, OpSource::Related { of, .. } if of == check) {
                let rows = trace.values.add(Val::Result(op));
                let row = trace.values.add(Val::Element(rows));
                self.agreed.insert(row);
            }
        }
        self.check_table.clone_from(&trace.op(check).entity);
        self.bounded_by(trace, schemas, &conditions);
        let table = self.check_table.clone();
        let arms = conditions.any.iter().filter_map(|arms| likely(schemas, &table, arms));
        for condition in conditions.all.iter().chain(arms.flat_map(|arm| &arm.all)) {
            if condition.is_equality() {
                let value = self.expr(trace, schemas, condition.value);
                let is_left_open = value == null()
                    && entity_of(schemas, trace.op(check)).is_some_and(|e| e.requires(&condition.column));
                let value = if is_left_open { lit(LEFT_OPEN) } else { value };
                self.predicate.push((condition.column.clone(), value));
            }
            let is_known = matches!(trace.values.get(condition.value), Val::Array(_));
            if condition.op == Compare::In && condition.through.is_empty() && !is_known {
                self.listed.insert(condition.column.clone());
            }
        }
    }

    /// Makes the same in both runs what they ask of a row besides a key that they agree on: of one row both can only be
    /// right if they ask for the same.
    fn agree_beside_keys(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], ops: impl Iterator<Item = OpId>) {
        let mut see = self.seeing();
        for op in ops {
            let it = trace.op(op);
            if it.verb == Verb::Create || it.place().is_some() {
                continue;
            }
            let Some(entity) = entity_of(schemas, it) else { continue };
            let asked = trace.conditions(schemas, op, &mut |trace, value| see(trace, value));
            let equal = |c: &&Condition| c.is_equality();
            let agreed = |column: &String| {
                asked
                    .on(column)
                    .filter(equal)
                    .any(|c| self.agreed.contains(&c.value) || self.is_literal(trace, c.value))
            };
            let is_pinned = entity
                .keys
                .iter()
                .any(|key| key.is_plain() && !key.columns.is_empty() && key.columns.iter().all(agreed));
            if is_pinned {
                let beside = asked.all.iter().filter(equal).map(|c| c.value);
                let beside: Vec<ValId> = beside.filter(|value| !self.is_from_rows(trace, *value, 10)).collect();
                self.agreed.extend(beside);
            }
        }
    }

    /// Takes in what a branch on the way says of a value that no statement gave.
    pub fn learn(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], check: OpId, (atom, truth): &Fact) {
        let is_leaf = |trace: &Trace<'_>, value: ValId| {
            matches!(trace.values.get(value), Val::Param(..) | Val::Field(..) | Val::Opaque(_) | Val::Call { .. })
        };
        if let Atom::Present(value) | Atom::True(value) = atom
            && let Val::Over(Over::Find | Over::Some, source, test) = trace.values.get(*value)
        {
            // What one row of a set is asked for is asked for by both runs.
            self.agree_on_elements(trace, *source, *test);
        }
        match atom {
            Atom::True(value) if is_leaf(trace, *value) => {
                self.known.insert(*value, lit(*truth));
            }
            // A column that must equal it makes it the same in every run that gets here.
            Atom::Eq(a, b) if *truth => {
                for (value, other) in [(*a, *b), (*b, *a)] {
                    let outside = !self.is_from_rows(trace, value, 10);
                    let beside = made_of(trace, check, other) && !made_of(trace, check, value);
                    if is_leaf(trace, value) && self.is_from_rows(trace, other, 10) && (outside || beside) {
                        self.agreed.insert(value);
                    }
                    if beside {
                        self.agree_on_row_of(trace, schemas, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Makes the row that a value tells from all others the same in both runs, and the keys by which it was found.
    fn agree_on_row_of(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], value: ValId) {
        let Val::Field(row, column) = trace.values.get(value).clone() else { return };
        let Val::Result(op) = *trace.values.get(row) else { return };
        if !is_key_alone(trace, schemas, op, &column) {
            return;
        }
        self.agreed.insert(row);
        let mut see = self.seeing();
        let asked = trace.conditions(schemas, op, &mut |trace, value| see(trace, value));
        let Some(entity) = entity_of(schemas, trace.op(op)) else { return };
        let equal = |column: &String| asked.on(column).any(|c| c.op == Compare::Eq && c.through.is_empty());
        let keys = entity.keys.iter().filter(|key| key.is_plain() && key.columns.iter().all(equal));
        let named: Vec<ValId> = keys.flat_map(|key| &key.columns).flat_map(|c| asked.on(c)).map(|c| c.value).collect();
        for value in named {
            self.agree_on_origins(trace, value);
        }
    }

    /// Makes the same in both runs whatever comes from where both were given what a check asks for: the other members of
    /// the same object.
    pub fn agree_on_givers(&mut self, trace: &mut Trace<'_>, schemas: &[Schema], [check, act]: [OpId; 2]) {
        let asked = trace.conditions(schemas, check, &mut |_, value| value);
        let mut see = self.seeing();
        let made = trace.writes(schemas, act, true, &mut |trace, value| see(trace, value));
        let values = made.columns.iter().filter_map(|(column, written)| match written {
            Written::Value(value) => Some((column, *value)),
            _ => None,
        });
        // What is made is one of what was looked for: for the same request it is the same one. Where the look-up is about a
        // set, or nothing tells what it is about, it may have asked for anything that is written.
        let by_set = asked.opaque || trace.op(check).rows == Rows::Many;
        let among = |column: &String| asked.on(column).any(|c| c.op == Compare::In && c.through.is_empty());
        let made: Vec<ValId> = values.filter(|(column, _)| by_set || among(column)).map(|(_, value)| value).collect();
        let own = |value: &ValId| is_drawn(trace, *value) || self.is_generated(trace, *value);
        let made: Vec<ValId> = made.into_iter().filter(|value| !own(value)).collect();
        self.agreed.extend(made);
        let givers = asked.all.iter().filter_map(|c| match trace.values.get(c.value) {
            Val::Field(giver, _) => Some(*giver),
            _ => None,
        });
        let givers: Vec<ValId> = givers.filter(|giver| !self.is_from_rows(trace, *giver, 10)).collect();
        self.agreed.extend(givers);
    }

    /// Makes a value the same in both runs, and what it is another form of: who asks for `email.trim().toLowerCase()` has
    /// been given the same `email`.
    fn agree_on_origins(&mut self, trace: &Trace<'_>, value: ValId) {
        let mut todo = vec![value];
        let mut steps = 0;
        while let Some(value) = todo.pop() {
            steps += 1;
            if steps > 20 {
                break;
            }
            self.agreed.insert(value);
            match trace.values.get(value) {
                Val::Choice(_, one, other) | Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, one, other) => {
                    todo.extend([*one, *other]);
                }
                Val::Phi(phi) => todo.extend(trace.values.phi(*phi).operands.iter().map(|(_, value)| *value)),
                // What is looked up in a table by the same is the same, and hardly ever by another.
                Val::Index(_, key) => todo.push(*key),
                Val::Call { callee, args, is_new: false, .. } => {
                    if let (Val::Field(_, method), [key]) = (trace.values.get(*callee), args.as_slice())
                        && method == "get"
                    {
                        todo.push(*key);
                    }
                    if let Val::Field(receiver, _) = trace.values.get(*callee)
                        && args.iter().all(|arg| self.is_literal(trace, *arg))
                        && matches!(
                            trace.values.get(*receiver),
                            Val::Param(..) | Val::Field(..) | Val::Opaque(_) | Val::Call { .. }
                        )
                    {
                        todo.push(*receiver);
                    }
                }
                _ => {}
            }
        }
    }

    /// Makes the values that a test compares columns of an element with the same in both runs.
    fn agree_on_elements(&mut self, trace: &Trace<'_>, source: ValId, test: ValId) {
        match trace.values.get(test) {
            Val::Binary(BinaryOp::And, a, b) => {
                self.agree_on_elements(trace, source, *a);
                self.agree_on_elements(trace, source, *b);
            }
            Val::Binary(BinaryOp::Eq, a, b) => {
                let element = Val::Element(source);
                let of_element =
                    |value: ValId| trace.values.any_within(value, 8, &mut |part| *trace.values.get(part) == element);
                for (column, value) in [(*a, *b), (*b, *a)] {
                    if of_element(column) && !of_element(value) {
                        self.agree_on_origins(trace, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether a value is made from what some operation gave.
    pub(super) fn is_from_rows(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> bool {
        trace.values.any_within(value, depth, &mut |value| matches!(trace.values.get(value), Val::Result(_)))
    }

    /// A value that no statement gave: the same in both runs if the check's condition fixes it, else the run's own.
    pub(super) fn leaf(&mut self, trace: &Trace<'_>, value: ValId) -> Expr {
        if self.agrees(trace, value, 24) {
            let count = i64::try_from(self.constants.len()).unwrap_or(i64::MAX);
            return lit(*self.constants.entry(value).or_insert(FIRST_CONSTANT + count));
        }
        let count = self.arguments.len();
        let at = *self.arguments.entry(value).or_insert(count);
        var(argument(at).as_str())
    }

    /// Whether a value is the same in two runs that agree on the check's condition.
    #[must_use]
    pub fn agrees(&self, trace: &Trace<'_>, value: ValId, depth: usize) -> bool {
        self.agrees_within(trace, value, depth, &mut FxHashMap::default())
    }

    fn agrees_within(&self, trace: &Trace<'_>, value: ValId, depth: usize, known: &mut FxHashMap<ValId, bool>) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if let Some(known) = known.get(&value) {
            return *known;
        }
        let mut all = |parts: Vec<ValId>| parts.into_iter().all(|part| self.agrees_within(trace, part, depth, known));
        let agrees = self.agreed.contains(&value)
            || match trace.values.get(value) {
                Val::Const(_) | Val::Global(_) | Val::External(..) | Val::Module(_) | Val::Class(_) => true,
                Val::Closure(..) | Val::This(_) | Val::Instance(_) | Val::Made(..) | Val::Handle(_) => true,
                Val::Param(..) | Val::Opaque(_) | Val::Element(_) | Val::Caught(_) | Val::Phi(_) => false,
                // What a read by agreed keys gave.
                Val::Result(_) => false,
                // Time and generated values count as one constant.
                Val::Call { callee, args, .. } => {
                    let receiver = match trace.values.get(*callee) {
                        Val::Field(receiver, _) => Some(*receiver),
                        _ => None,
                    };
                    all(args.iter().copied().chain(receiver).collect())
                }
                // Put together from something that both were given, and from what the program is set up with.
                Val::Text(_) => {
                    let parts = trace.values.parts(value).into_iter();
                    let (set, given): (Vec<ValId>, Vec<ValId>) = parts.partition(|part| is_setting(trace, *part));
                    !given.is_empty() && all(given) && (set.is_empty() || self.holds_agreed(trace, value))
                }
                _ => {
                    let parts = trace.values.parts(value);
                    !parts.is_empty() && all(parts)
                }
            };
        known.insert(value, agrees);
        agrees
    }

    /// Whether a part of a value is one that the check has made the same in both runs.
    fn holds_agreed(&self, trace: &Trace<'_>, value: ValId) -> bool {
        trace.values.any_within(value, 6, &mut |part| self.agreed.contains(&part))
    }

    /// Whether a value is made up for the run: by calls that take nothing from what the check asked for, or with something
    /// random in it that the check has not asked for itself. Such a value never collides with another run's, though it
    /// counts as one constant when outcomes are compared.
    #[must_use]
    pub fn is_generated(&self, trace: &Trace<'_>, value: ValId) -> bool {
        let (mut calls, mut taken) = (false, false);
        let mut seen = FxHashSet::default();
        let mut todo = vec![value];
        while let Some(value) = todo.pop() {
            if seen.len() > 200 {
                break;
            }
            if !seen.insert(value) {
                continue;
            }
            if self.agreed.contains(&value) {
                taken = true;
                continue;
            }
            taken |= self.place(trace, value).is_some();
            match trace.values.get(value) {
                Val::Call { callee, args, .. } => {
                    // A call on nothing, or on constants alone: where its answer comes from is out of sight.
                    let made_up = args.iter().all(|arg| self.is_literal(trace, *arg)) && is_source(trace, *callee);
                    if made_up && is_random(trace, *callee) || draws(trace, *callee) {
                        return true;
                    }
                    if made_up || makes_identity(trace, *callee) || fills_in(trace, *callee, args) {
                        calls = true;
                        continue;
                    }
                    todo.extend(args);
                    if let Val::Field(receiver, _) = trace.values.get(*callee) {
                        todo.push(*receiver);
                    }
                }
                // What was given, and what the process was started with.
                Val::Param(..) | Val::Global(_) => taken = true,
                _ => todo.extend(trace.values.parts(value)),
            }
        }
        calls && !taken
    }

    /// Whether a value is put together in a loop out of something random: that the way leaves the loop at once is a
    /// simplification.
    #[must_use]
    pub fn is_drawn_in_loop(&self, trace: &mut Trace<'_>, value: ValId) -> bool {
        // One part of a text that is drawn tells it from all others.
        let put_together = match trace.values.get(value) {
            Val::Text(_) | Val::Binary(BinaryOp::Add, ..) => trace.values.parts(value),
            _ => Vec::new(),
        };
        if put_together.into_iter().any(|part| self.is_drawn_in_loop(trace, part)) {
            return true;
        }
        let looped: FxHashSet<PhiId> = (trace.values.phis().iter().zip(0..))
            .filter(|(phi, _)| trace.block(phi.block).is_loop)
            .map(|(_, at)| PhiId(at))
            .collect();
        let choices = Rc::clone(&self.choices);
        let choose = &mut |phi: PhiId| choices.get(&phi).filter(|_| !looped.contains(&phi)).copied();
        let unrolled = paths::resolve(trace, value, choose);
        let value = self.resolve(trace, value);
        unrolled != value
            && (self.holds_drawn_loop(trace, unrolled, &looped, 24)
                || self.is_of_nothing(trace, value) && self.is_generated(trace, unrolled))
    }

    /// Whether a part of a value is what a loop adds something drawn to, time and again, starting from nothing of the run's.
    fn holds_drawn_loop(&self, trace: &Trace<'_>, value: ValId, looped: &FxHashSet<PhiId>, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match trace.values.get(value) {
            Val::Phi(phi) if looped.contains(phi) => {
                let brought = trace.values.phi(*phi).operands.iter().map(|(_, brought)| *brought);
                let (drawn, other): (Vec<_>, Vec<_>) = brought.partition(|value| is_drawn(trace, *value));
                !drawn.is_empty() && other.into_iter().all(|value| self.is_of_nothing(trace, value))
            }
            Val::Phi(_) => false,
            _ => trace.values.any_part(value, &mut |part| self.holds_drawn_loop(trace, part, looped, depth)),
        }
    }

    /// Whether a value is made of constants and the clock alone.
    fn is_of_nothing(&self, trace: &Trace<'_>, value: ValId) -> bool {
        !self.agreed.contains(&value)
            && !trace.values.any_within(value, 24, &mut |part| {
                let of_run = matches!(
                    trace.values.get(part),
                    Val::Param(..) | Val::Opaque(_) | Val::Result(_) | Val::Element(_)
                );
                of_run || self.agreed.contains(&part)
            })
    }

    pub(super) fn is_literal(&self, trace: &Trace<'_>, value: ValId) -> bool {
        match trace.values.get(value) {
            Val::Const(_) | Val::Global(_) | Val::External(..) => true,
            Val::Object(_) | Val::Array(_) | Val::Text(_) => {
                trace.values.parts(value).into_iter().all(|part| self.is_literal(trace, part))
            }
            _ => false,
        }
    }
}

/// Whether a column tells one row of what an operation gives from all others.
fn is_key_alone(trace: &Trace<'_>, schemas: &[Schema], op: OpId, column: &str) -> bool {
    let op = trace.op(op);
    let entity = entity_of(schemas, op);
    let is_it = |key: &UniqueKey| matches!(key.columns.as_slice(), [only] if only == column) && key.is_plain();
    op.rows == Rows::One && entity.is_some_and(|entity| entity.keys.iter().any(is_it))
}

/// The reads by which an insert looks, in its own statement, whether the row is there.
fn looks_within(trace: &Trace<'_>, insert: OpId) -> Vec<OpId> {
    let it = trace.op(insert);
    let is_one = matches!(&it.source, OpSource::Sql(statement, _)
        if statement.query().is_some_and(|query| query.insert_select_not_exists));
    let looks = |op: &OpId| {
        let other = trace.op(*op);
        (other.site, other.frame, &other.entity) == (it.site, it.frame, &it.entity) && other.verb == Verb::Read
    };
    let count = if is_one { u32::try_from(trace.ops.len()).unwrap_or(u32::MAX) } else { 0 };
    (0..count).map(OpId).filter(looks).collect()
}

/// The values that a check asks for. What it asks its rows not to be is the run's own: "nobody else has this name".
fn shared(conditions: &Conditions, values: &mut Vec<ValId>) {
    let asked = conditions.all.iter().filter(|c| !matches!(c.op, Compare::Ne | Compare::NotIn));
    values.extend(asked.map(|c| c.value));
    for arm in conditions.any.iter().flatten() {
        shared(arm, values);
    }
}

/// Whether a value is of what a program is set up with, by the name of the member that has it, and reached through what a
/// run is given access to and others have as well; or one of several such, or of constants.
pub fn is_setting(trace: &Trace<'_>, value: ValId) -> bool {
    is_setting_within(trace, value, 6)
}

fn is_setting_within(trace: &Trace<'_>, value: ValId, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let is_one = |value: ValId| is_setting_within(trace, value, depth);
    let mut root = match trace.values.get(value) {
        Val::Const(_) => return true,
        Val::Choice(_, one, other) | Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, one, other) => {
            return is_one(*one) && is_one(*other);
        }
        Val::Phi(phi) => return trace.values.phi(*phi).operands.iter().all(|(_, one)| is_one(*one)),
        Val::Call { callee, args, is_new: false, .. } if args.is_empty() => *callee,
        _ => value,
    };
    let mut set_up = false;
    while let Val::Field(base, name) = trace.values.get(root) {
        set_up |= ["conf", "config", "configuration", "settings"].contains(&name.as_str());
        root = *base;
    }
    set_up && trace.shared.contains(&root)
}

/// Whether a function says by its name that it reads what the caller has sent, of which each part may be another.
fn reads_input(trace: &Trace<'_>, callee: ValId) -> bool {
    let (Val::External(_, name) | Val::Global(name) | Val::Field(_, name)) = trace.values.get(callee) else {
        return true;
    };
    let lower = name.to_lowercase();
    ["parse", "safeparse", "valid", "json", "form", "body", "input", "read"].iter().any(|verb| lower.starts_with(verb))
}

/// Whether a function from elsewhere says by its name that it makes an identity up: `genShareId(kind)`, `newToken(length)`.
fn makes_identity(trace: &Trace<'_>, callee: ValId) -> bool {
    let Val::External(_, name) = trace.values.get(callee) else { return false };
    let makes = ["gen", "create", "make", "new", "random"].iter().any(|verb| name.starts_with(verb));
    let lower = name.to_lowercase();
    makes && ["id", "token", "secret", "nonce"].iter().any(|noun| lower.ends_with(noun))
}

/// Whether a function says by its name, or by that of the module it comes from, that no two of its answers are the same.
fn is_random(trace: &Trace<'_>, callee: ValId) -> bool {
    let says = |name: &str| {
        let lower = name.to_lowercase();
        lower.contains("random") || ["uuid", "ulid", "cuid", "nanoid"].iter().any(|kind| lower.ends_with(kind))
    };
    match trace.values.get(callee) {
        Val::External(module, name) => says(name) || says(module),
        Val::Global(name) => says(name),
        // `randomstring.generate(12)`: the module says it. One of identities converts them, too.
        Val::Field(base, name) => {
            let drawn_in = |module: &str| module.to_lowercase().contains("random");
            says(name) || matches!(trace.values.get(*base), Val::External(module, _) if drawn_in(module))
        }
        _ => false,
    }
}

/// Whether a value has something in it that is drawn at random, whichever of its alternatives it is.
#[must_use]
pub fn is_drawn(trace: &Trace<'_>, value: ValId) -> bool {
    is_drawn_within(trace, value, 16)
}

fn is_drawn_within(trace: &Trace<'_>, value: ValId, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let drawn = |value: ValId| is_drawn_within(trace, value, depth);
    match trace.values.get(value) {
        Val::Binary(BinaryOp::Coalesce | BinaryOp::Or, one, other) | Val::Choice(_, one, other) => {
            drawn(*one) && drawn(*other)
        }
        Val::Phi(_) => false,
        Val::Call { callee, args, .. } => {
            let random = is_source(trace, *callee) && is_random(trace, *callee);
            random
                || draws(trace, *callee)
                || makes_identity(trace, *callee)
                || fills_in(trace, *callee, args)
                || drawn(*callee)
                || args.iter().any(|arg| drawn(*arg))
        }
        _ => trace.values.parts(value).into_iter().any(drawn),
    }
}

/// Whether a call fills in a constant text by a function: the function's answers are out of sight.
fn fills_in(trace: &Trace<'_>, callee: ValId, args: &[ValId]) -> bool {
    let Val::Field(receiver, name) = trace.values.get(callee) else { return false };
    let by_function = args.iter().any(|arg| matches!(trace.values.get(*arg), Val::Closure(..)));
    // A pattern is out of sight.
    let is_given = |arg: &ValId| !matches!(trace.values.get(*arg), Val::Param(..) | Val::Result(_) | Val::Field(..));
    name.starts_with("replace") && trace.values.text(*receiver).is_some() && by_function && args.iter().all(is_given)
}

/// Whether a function says by its name that it draws something, whatever it is given: how much, or out of what.
fn draws(trace: &Trace<'_>, callee: ValId) -> bool {
    let (Val::External(_, name) | Val::Global(name) | Val::Field(_, name)) = trace.values.get(callee) else {
        return false;
    };
    let lower = name.to_lowercase();
    lower.starts_with("random") || lower == "nanoid" || lower == "getrandomvalues"
}

/// Whether a called value may make something up: not a conversion, not a method of a value at hand, not the clock.
pub(super) fn is_source(trace: &Trace<'_>, callee: ValId) -> bool {
    match trace.values.get(callee) {
        Val::Global(name) | Val::External(_, name) if is_digest(name) => false,
        Val::Global(name) => !matches!(name.as_str(), "String" | "Number" | "Boolean" | "BigInt" | "parseInt" | "Date"),
        Val::Field(receiver, _) => match trace.values.get(*receiver) {
            Val::Global(name) => !matches!(name.as_str(), "Date" | "JSON" | "Object" | "String" | "Number"),
            Val::External(..) | Val::Module(_) => true,
            // An object of the project whose method cannot be looked into: a generator, when given constants alone.
            Val::Instance(_) | Val::Made(..) => true,
            _ => false,
        },
        // A function that a factory of elsewhere has made.
        Val::Call { callee, is_new: false, .. } => is_source(trace, *callee),
        Val::External(..) | Val::Closure(..) => true,
        _ => false,
    }
}

/// Whether a function says by its name that what it gives is a form of what it is given: a hash.
fn is_digest(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["hash", "hmac", "digest"].iter().any(|kind| lower.contains(kind))
}

/// Whether a value is made from what an operation gave.
fn made_of(trace: &Trace<'_>, op: OpId, value: ValId) -> bool {
    trace.values.any_within(value, 10, &mut |value| *trace.values.get(value) == Val::Result(op))
}
