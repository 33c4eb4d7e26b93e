//! Which schema a source file uses.

use crate::schema::discover::{Candidate, Schemas, find, is_relevant};

/// Heads end in `!`.
fn schemas(paths: &[&str]) -> Schemas {
    let candidates: Vec<Candidate<'_>> = paths
        .iter()
        .map(|path| Candidate { path: path.trim_end_matches('!'), head: path.ends_with('!'), outputs: Vec::new() })
        .collect();
    find(&candidates)
}

fn folders(schemas: &Schemas) -> Vec<&str> {
    schemas.groups.iter().map(|group| group.folder.as_str()).collect()
}

fn nearest<'a>(schemas: &'a Schemas, source: &str) -> &'a str {
    schemas.nearest(source).map_or("none", |group| group.folder.as_str())
}

#[test]
fn a_single_file_with_migrations() {
    let found = schemas(&[
        "package.json",
        "prisma/migrations/20240102_b/migration.sql",
        "prisma/migrations/20240101_a/migration.sql",
        "prisma/migrations/migration_lock.toml",
        "prisma/schema.prisma!",
        "node_modules/x/schema.prisma!",
        "src/index.ts",
    ]);
    assert_eq!(folders(&found), ["prisma"]);
    assert_eq!(found.groups[0].prisma, ["prisma/schema.prisma"]);
    assert_eq!(
        found.groups[0].migrations,
        ["prisma/migrations/20240101_a/migration.sql", "prisma/migrations/20240102_b/migration.sql",]
    );
    assert_eq!(nearest(&found, "src/a/b/c.ts"), "prisma");
    assert_eq!(nearest(&schemas(&[]), "src/a.ts"), "none");
}

#[test]
fn a_folder_of_files() {
    let found = schemas(&[
        "apps/web/package.json",
        "apps/web/prisma/migrations/1/migration.sql",
        "apps/web/prisma/schema/user.prisma",
        "apps/web/prisma/schema/main.prisma!",
        "apps/web/prisma/schema/models/deep/order.prisma",
    ]);
    assert_eq!(found.groups.len(), 1);
    let group = &found.groups[0];
    assert_eq!(group.package, "apps/web");
    assert_eq!(
        group.prisma,
        [
            "apps/web/prisma/schema/main.prisma",
            "apps/web/prisma/schema/user.prisma",
            "apps/web/prisma/schema/models/deep/order.prisma",
        ]
    );
    assert_eq!(group.migrations, ["apps/web/prisma/migrations/1/migration.sql"]);
}

#[test]
fn heads_with_parts_below_and_heads_per_engine() {
    let found = schemas(&["prisma/schema.prisma!", "prisma/models/a.prisma", "other/b.prisma", "other/c.prisma"]);
    assert_eq!(folders(&found), ["other", "prisma"]);
    assert_eq!(found.groups[1].prisma, ["prisma/schema.prisma", "prisma/models/a.prisma"]);
    assert_eq!(found.groups[0].prisma.len(), 2);
    let found = schemas(&["prisma/sqlite.prisma!", "prisma/schema.prisma!", "prisma/part.prisma"]);
    assert_eq!(found.groups.len(), 2);
    assert_eq!(nearest(&found, "src/a.ts"), "prisma");
    let first = found.nearest("src/a.ts").expect("there is one");
    assert_eq!(first.prisma[0], "prisma/schema.prisma");
}

#[test]
fn the_own_package_comes_first() {
    let found = schemas(&[
        "package.json",
        "apps/api/package.json",
        "apps/api/prisma/schema.prisma!",
        "apps/web/package.json",
        "packages/db/package.json",
        "packages/db/prisma/schema.prisma!",
        "references/demo/package.json",
        "references/demo/prisma/schema.prisma!",
    ]);
    assert_eq!(nearest(&found, "apps/api/src/a.ts"), "apps/api/prisma");
    assert_eq!(nearest(&found, "apps/web/src/a.ts"), "packages/db/prisma");
    assert_eq!(nearest(&found, "packages/db/src/a.ts"), "packages/db/prisma");
    assert_eq!(nearest(&found, "packages/other/src/a.ts"), "packages/db/prisma");
    assert_eq!(nearest(&found, "scripts/a.ts"), "packages/db/prisma");
    assert_eq!(found.ranked("apps/web/src/a.ts").len(), 3);
}

#[test]
fn without_packages_the_common_path_decides() {
    let found =
        schemas(&["apps/api/prisma/schema.prisma!", "packages/db/prisma/schema.prisma!", "server/schema.prisma!"]);
    assert_eq!(nearest(&found, "apps/api/src/a.ts"), "apps/api/prisma");
    assert_eq!(nearest(&found, "server/a/b.ts"), "server");
    assert_eq!(nearest(&found, "packages/x/a.ts"), "packages/db/prisma");
}

#[test]
fn migrations_without_a_model() {
    let found = schemas(&[
        "Cargo.toml",
        "migrations/V10__c.sql",
        "migrations/V2__b.sql",
        "migrations/V2__b.down.sql",
        "crates/a/migrations/2024_a/up.sql",
        "crates/a/migrations/2024_a/down.sql",
        "crates/a/Cargo.toml",
        "db/schema.sql",
        "drizzle/0000_x.sql",
        "queries/find.sql",
    ]);
    assert_eq!(folders(&found), ["", "crates/a", "db"]);
    assert_eq!(found.groups[0].migrations, ["drizzle/0000_x.sql", "migrations/V2__b.sql", "migrations/V10__c.sql"]);
    assert_eq!(found.groups[1].migrations, ["crates/a/migrations/2024_a/up.sql"]);
    assert_eq!(nearest(&found, "crates/a/src/lib.rs"), "crates/a");
    assert_eq!(nearest(&found, "src/lib.rs"), "");
}

#[test]
fn only_paths_of_interest_are_asked_for() {
    for path in ["a/schema.prisma", "package.json", "x/Cargo.toml", "a/migrations/1/migration.sql", "db/structure.sql"]
    {
        assert!(is_relevant(path), "{path}");
    }
    for path in
        ["a/b.ts", "node_modules/a/schema.prisma", "queries/a.sql", "target/package.json", "migrations/1/down.sql"]
    {
        assert!(!is_relevant(path), "{path}");
    }
}

#[test]
fn a_schema_is_used_where_its_client_is_generated() {
    let file = |path, head, outputs: &[&str]| Candidate {
        path,
        head,
        outputs: outputs.iter().map(|output| (*output).to_owned()).collect(),
    };
    let found = find(&[
        file("packages/db/package.json", false, &[]),
        file("packages/db/schema.prisma", true, &["packages/server/prisma/client"]),
        file("packages/server/package.json", false, &[]),
        file("packages/server/src/samples/shop.prisma", true, &[]),
        file("packages/site/package.json", false, &[]),
        file("packages/site/prisma/schema.prisma", true, &[]),
    ]);
    assert_eq!(nearest(&found, "packages/server/src/orders.ts"), "packages/db");
    assert_eq!(nearest(&found, "packages/site/src/pages.ts"), "packages/site/prisma", "its own");
}
