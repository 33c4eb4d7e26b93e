use super::super::pattern::{Callee, Form, Root};
use super::super::schema::{
    CallTable, DataTable, ErrorHandlerTable, ErrorTable, ExprTable, FilterTable, LibTable, NamesTable, NativeTable,
    PipelineTable, RegionTable, RemedyTable, TypeTable,
};
use super::super::{CallRow, Library, Meaning, NameForm, OnConflict, Requirement, RowLock};
use super::super::{
    ENGINES, ErrorKind, Given, HOLES, INTENTS, LEVELS, Missing, Place, RegionForm, Rows, StepRow, Verb,
};
use super::{LoadError, Registry};

const README: &str = include_str!("../../../rules/libraries/README.md");

/// The start of a library file with one type.
const START: &str = "[lib]\nid = \"t\"\nlanguage = \"typescript\"\n[types.Client]\nis = \": Client\"\n";

fn load(text: &str) -> Result<Registry, Vec<LoadError>> {
    Registry::with(&[("t.toml", text)])
}

fn prisma() -> Library {
    Registry::builtin().get("prisma").expect("it is built in").clone()
}

fn calls<'a>(library: &'a Library, receiver: &str, method: &str) -> Vec<&'a CallRow> {
    let of = |callee: &Callee| matches!(callee, Callee::Method { receiver: own, .. } if own == receiver);
    let rows = library.calls.iter().filter(|row| of(&row.on.callee) && row.on.names().any(|name| name == method));
    rows.collect()
}

/// Each message of a file with the text it points at.
fn failures(rest: &str) -> Vec<(String, String)> {
    let text = format!("{START}{rest}");
    let errors = load(&text).err().unwrap_or_default();
    errors.into_iter().map(|error| (error.span.slice(&text).to_owned(), error.message)).collect()
}

fn failure(rest: &str) -> (String, String) {
    let mut all = failures(rest);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn built_in_libraries_load() {
    let (registry, errors) = Registry::read(super::BUILTIN);
    assert_eq!(errors, []);
    assert_eq!(registry.libraries().len(), super::BUILTIN.len());
    let of = |language: &'static str| registry.for_language(language).count();
    assert!(of("typescript") > 1 && of("rust") > 0);
    assert_eq!(of("typescript") + of("rust"), super::BUILTIN.len());
    assert_eq!(registry.for_language("cobol").count(), 0);
}

#[test]
fn every_prisma_method_is_there_for_clients_and_transactions() {
    let prisma = prisma();
    let model = "findUnique findUniqueOrThrow findFirst findFirstOrThrow findMany count aggregate groupBy create createMany \
                 createManyAndReturn update updateMany updateManyAndReturn upsert delete deleteMany";
    let raw = "$queryRaw $executeRaw $queryRawUnsafe $executeRawUnsafe $queryRawTyped $extends";
    for receiver in ["Client", "Tx"] {
        for method in model.split_whitespace().chain(raw.split_whitespace()) {
            assert_eq!(calls(&prisma, receiver, method).len(), 1, "{receiver}.{method}");
        }
        for method in model.split_whitespace() {
            let row = calls(&prisma, receiver, method)[0];
            assert!(matches!(&row.on.callee, Callee::Method { member: Some(member), .. } if member == "E"));
            assert!(row.lazy, "{method}");
        }
    }
    assert_eq!(calls(&prisma, "Client", "$extends")[0].gives.as_deref(), Some("Client"));
    assert_eq!(calls(&prisma, "Tx", "$extends")[0].gives.as_deref(), Some("Tx"));
    assert!(!calls(&prisma, "Client", "$extends")[0].lazy);
}

#[test]
fn a_row_says_what_its_call_does() {
    let prisma = prisma();
    let upsert = calls(&prisma, "Client", "upsert")[0];
    assert_eq!((upsert.verb, upsert.rows, upsert.missing), (Some(Verb::Upsert), Rows::One, Missing::Null));
    assert_eq!(upsert.key.as_ref().map(|key| (key.root, key.path.join("."))), Some((Root::Param(0), "where".into())));
    let native = upsert.native.as_ref().expect("not everywhere");
    assert_eq!(native.engines, ["postgresql", "cockroachdb", "sqlite"]);
    assert_eq!(native.requires.len(), 5);
    assert_eq!(upsert.steps, [StepRow::Probe, StepRow::Insert, StepRow::UpdateUncounted, StepRow::ReadBack]);

    let many = calls(&prisma, "Client", "updateMany")[0];
    let affected = many.affected.as_ref().expect("it counts");
    assert_eq!((affected.root, affected.path.join(".")), (Root::Result, "count".into()));
    assert!(many.native.is_none() && many.steps.is_empty());

    let raw = calls(&prisma, "Tx", "$queryRaw")[0];
    assert_eq!((raw.on.form, raw.rows), (Form::Any, Rows::Many));
    let text = calls(&prisma, "Client", "$executeRawUnsafe")[0];
    assert_eq!(text.bind.as_ref().map(|bind| bind.root), Some(Root::Param(1)));
}

#[test]
fn prisma_transactions() {
    let prisma = prisma();
    let forms: Vec<_> = prisma.regions.iter().map(|row| row.form).collect();
    assert_eq!(forms, [RegionForm::Callback, RegionForm::Batch, RegionForm::Callback, RegionForm::Batch]);
    let level = |row: &super::super::RegionRow| {
        row.levels.iter().any(|(name, level)| name == "Serializable" && level == "serializable")
    };
    assert!(prisma.regions.iter().all(level));
    let client = prisma.types.iter().find(|row| row.name == "Client").expect("it is there");
    let isolation = client.isolation.as_ref().expect("it is there");
    assert_eq!(isolation.path, ["transactionOptions", "isolationLevel"]);
    assert!(client.patterns.iter().any(|pattern| pattern.accepts("PrismaClient")));
    let tx = prisma.types.iter().find(|row| row.name == "Tx").expect("it is there");
    assert!(tx.transaction && tx.patterns.iter().any(|pattern| pattern.accepts("Prisma.TransactionClient")));
}

#[test]
fn prisma_errors_and_remedies() {
    let prisma = prisma();
    let of = |code: &str| {
        let found = prisma.errors.iter().filter(|row| row.codes.iter().any(|own| own == code));
        found.map(|row| row.kind).collect::<Vec<_>>()
    };
    assert_eq!(of("P2002"), [ErrorKind::UniqueViolation]);
    assert_eq!(of("P2025"), [ErrorKind::NotFound]);
    assert_eq!(of("P2034"), [ErrorKind::Serialization]);
    assert_eq!(of("P2003"), [ErrorKind::ForeignKey]);
    let upserts: Vec<_> = prisma.remedies.iter().filter(|row| row.intent == "merge-into-upsert").collect();
    assert!(upserts.iter().any(|row| row.engines.contains(&"mysql".into()) && !row.code.contains("upsert")));
    let guard = prisma.remedies.iter().find(|row| row.intent == "guard-where").expect("it is there");
    let filled = guard.fill(|hole| match hole {
        "client" => Some("prisma"),
        "accessor" => Some("ticket"),
        "key" => Some("{ id }"),
        "guard" => Some("status: \"open\""),
        "data" => Some("{ status: \"done\" }"),
        "exit" => Some("return null;"),
        _ => None,
    });
    let wanted = "const { count } = await prisma.ticket.updateMany({\n  where: { id, status: \"open\" },\n  \
                  data: { status: \"done\" },\n});\nif (count === 0) return null;";
    assert_eq!(filled.as_deref(), Some(wanted));
}

#[test]
fn needles_are_distinctive() {
    let needles = Registry::builtin().needles();
    for word in
        ["findUnique", "$transaction", "upsert", "createMany", "$queryRaw", "PrismaClient", "INSERT INTO", "prisma"]
    {
        assert!(needles.iter().any(|needle| needle == word), "{word}");
    }
    for word in ["create", "update", "delete", "count", "db", "tx", "sql", "raw"] {
        assert!(needles.iter().all(|needle| needle != word), "{word}");
    }
    assert!(needles.is_sorted());
}

#[test]
fn unknown_keys_and_words_are_errors_with_a_suggestion() {
    let call = "[[call]]\non = \"Client.f(a)\"\n";
    assert_eq!(
        failure(&format!("{call}verb = \"read\"\nmising = \"null\"\n")),
        ("mising".into(), "unknown key `mising`; did you mean `missing`?".into())
    );
    assert_eq!(
        failure(&format!("{call}verb = \"raed\"\n")),
        ("\"raed\"".into(), "unknown word `raed`; did you mean `read`?".into())
    );
    assert_eq!(failure("[[call]]\nverb = \"read\"\n").1, "the key `on` is missing");
    let region = "[[region]]\nopen = \"Client.t(f: fn, o?)\"\nform = \"callback\"\nbody = \"f\"\n";
    assert_eq!(
        failure(&format!("{region}levels = {{ A = \"serialisable\" }}\n")),
        ("\"serialisable\"".into(), "unknown word `serialisable`; did you mean `serializable`?".into())
    );
    let native = format!("{call}verb = \"read\"\nsteps = [\"read\"]\nnative = {{ engines = [\"postgres\"] }}\n");
    assert_eq!(failure(&native).1, "unknown word `postgres`; did you mean `postgresql`?");
    assert_eq!(failure("[filter.operators]\nnotIn = \"notin\"\n").1, "unknown word `notin`; did you mean `not-in`?");
}

#[test]
fn selectors_name_parameters() {
    let (place, message) = failure("[[call]]\non = \"Client.f(a, *rest)\"\nverb = \"read\"\nkey = \"b.where\"\n");
    assert_eq!(place, "");
    assert_eq!(message, "`b` is no parameter of the pattern; there are `a`, `rest`, `result`");
}

#[test]
fn errors_point_into_patterns() {
    let rest = "[[call]]\non = [\"Client.f(a)\", \"Client.g(a\"]\nverb = \"read\"\n";
    let text = format!("{START}{rest}");
    let errors = load(&text).expect_err("it is wrong");
    let end = text.find("g(a").expect("it is there") + "g(a".len();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].span.start as usize, end);
    assert_eq!((errors[0].path.as_str(), errors[0].message.as_str()), ("t.toml", "expected `,` or `)`"));
}

#[test]
fn types_must_exist() {
    let call = |on: &str| format!("[[call]]\non = \"{on}\"\nverb = \"read\"\n");
    assert_eq!(
        failure(&call("Cliemt.f(a)")),
        ("Cliemt".into(), "there is no type `Cliemt`; did you mean `Client`?".into())
    );
    assert_eq!(
        failure("[[call]]\non = \"Client.f(a)\"\ngives = \"Row\"\n").1,
        "there is no type `Row`; there are `Client`"
    );
    assert_eq!(failures(&call("_.f(a)")), []);
    let chain = "[types.A]\nlike = \"B\"\n[types.B]\nlike = \"Client\"\n";
    assert_eq!(failure(chain).1, "`A` is like `B`, which is itself like another type; name that one");
}

#[test]
fn rows_that_are_never_reached_are_errors() {
    let two = |first: &str, second: &str| {
        format!("[[call]]\non = \"{first}\"\nverb = \"read\"\n[[call]]\non = \"{second}\"\nverb = \"count\"\n")
    };
    let hidden = "an earlier row fits every such call already";
    assert_eq!(failure(&two("Client.f(a)", "Client.f(b)")), ("\"Client.f(b)\"".into(), hidden.into()));
    assert_eq!(failure(&two("Client.{f,g}(a?)", "Client.g()")).1, hidden);
    assert_eq!(failure(&two("Client.f(`t`)", "Client.f`t`")).1, hidden);
    assert_eq!(failure(&two("_.f(a)", "Client.f(a)")).1, hidden);
    assert_eq!(failures(&two("Client.f(a: fn)", "Client.f(a)")), []);
    assert_eq!(failures(&two("Client.f(a)", "Client.f(a?)")), []);
    assert_eq!(failures(&two("Client.f(a)", "Client.<E>.f(a)")), []);
    let remedy = "[[remedy]]\nintent = \"guard-where\"\ncode = \"\"\n";
    assert!(failure(&format!("{remedy}{remedy}engines = [\"sqlite\"]\n")).1.starts_with("an earlier remedy"));
}

#[test]
fn rows_are_complete() {
    assert_eq!(failure("[[call]]\non = \"Client.f()\"\n").1, "a call needs a `verb`, or a type that it `gives`");
    assert_eq!(failure("[[call]]\non = []\nverb = \"read\"\n").1, "a pattern is missing");
    assert!(failure("[[call]]\non = \"Client.f()\"\nverb = \"read\"\nnative = {}\n").1.contains("`steps`"));
    assert!(failure("[[region]]\nopen = \"Client.f()\"\nform = \"callback\"\n").1.contains("`body`"));
    assert!(failure("[[error]]\nkind = \"not-found\"\ntitle = \"t\"\n").1.contains("`classes` or `tests`"));
    assert!(failure("[[error]]\nkind = \"not-found\"\ntitle = \"t\"\ncodes = [\"1\"]\n").1.contains("`members`"));
}

#[test]
fn remedies_have_known_holes_and_intents() {
    let remedy = |intent: &str, code: &str| format!("[[remedy]]\nintent = \"{intent}\"\ncode = \"{code}\"\n");
    assert_eq!(
        failure(&remedy("guard-where", "f({kye}, { a })")),
        ("kye".into(), "unknown hole `kye`; did you mean `key`?".into())
    );
    assert_eq!(failure(&remedy("guard-were", "")).1, "unknown word `guard-were`; did you mean `guard-where`?");
}

#[test]
fn a_file_can_extend_a_library() {
    let extended = load(
        "[lib]\nextends = \"prisma\"\n[types.Client]\nis = \"named orm\"\n[[call]]\non = \"Client.<E>.exists(w)\"\nverb = \"count\"\nkey = \"w\"\n",
    );
    let registry = extended.unwrap_or_else(|errors| panic!("{errors:?}"));
    let prisma = registry.get("prisma").expect("it is built in");
    assert_eq!(registry.libraries().len(), super::BUILTIN.len());
    assert!(prisma.types.iter().any(|row| row.name == "Client" && row.patterns.iter().any(|p| p.accepts("orm"))));
    assert_eq!(calls(prisma, "Tx", "exists").len(), 1);
    assert!(calls(prisma, "Client", "exists")[0].lazy);

    let message = |text: &str| load(text).expect_err("it is wrong")[0].message.clone();
    assert_eq!(message("[lib]\nextends = \"prism\"\n"), "there is no library `prism`; did you mean `prisma`?");
    assert!(message("[lib]\nid = \"prisma\"\nlanguage = \"typescript\"\n").contains("`extends = \"prisma\"`"));
    assert!(message("[lib]\n").contains("needs an `id`"));
    assert!(message("[lib]\nid = \"x\"\n").contains("`language`"));
}

#[test]
fn the_examples_of_the_readme_load() {
    let mut files: Vec<String> = Vec::new();
    for block in README.split("```toml\n").skip(1) {
        let block = block.split("```").next().unwrap_or("");
        match files.last_mut() {
            Some(file) if !block.contains("[lib]") => file.push_str(block),
            _ => files.push(block.to_owned()),
        }
    }
    assert_eq!(files.len(), 2);
    for file in files {
        let errors = load(&file).err().unwrap_or_default();
        let shown: Vec<_> = errors.iter().map(|error| (error.span.slice(&file), &error.message)).collect();
        assert!(shown.is_empty(), "{shown:?}");
    }
}

#[test]
fn the_readme_documents_every_key_and_word() {
    fn keys<T: serde::de::DeserializeOwned>() -> Vec<String> {
        words(toml::from_str::<T>("zzzzzzzz = 1").err())
    }
    fn variants<T: serde::de::DeserializeOwned>() -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct One<T> {
            #[allow(dead_code, reason = "only its error counts")]
            x: T,
        }
        words(toml::from_str::<One<T>>("x = \"zzzzzzzz\"").err())
    }
    fn words(error: Option<toml::de::Error>) -> Vec<String> {
        let message = error.expect("the word is unknown").message().to_owned();
        let found: Vec<_> = message.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect();
        assert!(found.len() > 1, "{message}");
        found
    }
    let constants = [ENGINES, LEVELS, INTENTS].concat();
    let holes = HOLES.iter().map(|hole| format!("{{{hole}}}"));
    let all = [
        keys::<LibTable>(),
        keys::<TypeTable>(),
        keys::<CallTable>(),
        keys::<NativeTable>(),
        keys::<ExprTable>(),
        keys::<RegionTable>(),
        keys::<NamesTable>(),
        keys::<PipelineTable>(),
        keys::<ErrorHandlerTable>(),
        keys::<ErrorTable>(),
        keys::<FilterTable>(),
        keys::<DataTable>(),
        keys::<RemedyTable>(),
        variants::<Verb>(),
        variants::<Place>(),
        variants::<Given>(),
        variants::<Rows>(),
        variants::<Missing>(),
        variants::<Requirement>(),
        variants::<StepRow>(),
        variants::<RegionForm>(),
        variants::<ErrorKind>(),
        variants::<Meaning>(),
        variants::<NameForm>(),
        variants::<OnConflict>(),
        variants::<RowLock>(),
        constants.iter().map(|word| (*word).to_owned()).collect(),
        holes.collect(),
    ];
    for word in all.concat() {
        assert!(README.contains(&format!("`{word}`")), "`{word}` is not documented");
    }
}

#[test]
fn statements_are_made_by_several_calls() {
    let text = format!(
        "{START}[types.Query]\nquery = true\n[[call]]\non = \"lib::make!(text, *v)\"\ngives = \"Query\"\nsql = \"text\"\nbind = \"v\"\n\
         [[call]]\non = \"Query.run(h)\"\nrun = true\nhandle = \"h\"\n[[expr]]\non = \"_.eq(v)\"\nmeans = \"eq\"\n"
    );
    let registry = load(&text).unwrap_or_else(|errors| panic!("{errors:?}"));
    let library = registry.get("t").expect("it is there");
    assert!(library.types.iter().any(|ty| ty.query));
    let make = &library.calls[0];
    assert_eq!((make.on.form, make.run, make.verb), (Form::Macro, false, None));
    assert!(library.calls[1].run && library.calls[1].handle.is_some());
    assert_eq!(library.exprs[0].means, Meaning::Eq);
    assert_eq!(
        failure("[[expr]]\non = \"_.f(a)\"\nmeans = \"membr\"\n").1,
        "unknown word `membr`; did you mean `member`?"
    );
}
