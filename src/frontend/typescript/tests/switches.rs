//! `switch`.

use super::check;

#[test]
fn switches_fall_through() {
    check(
        "a.ts",
        r##"
switch (a.kind) {
  case "x": one();
  case "y": two(); break;
  default: three();
}
"##,
        r##"
fn#0 module
  b0:
    if (::a.kind == "x") then b2 else b1
  b1:
    if (::a.kind == "y") then b3 else b4
  b2:
    t1 = call ::one()
    goto b3
  b3:
    t2 = call ::two()
    goto b5
  b4:
    t3 = call ::three()
    goto b5
  b5:
    return
"##,
    );
}

#[test]
fn a_switch_may_have_its_default_first_and_test_calls() {
    check(
        "a.ts",
        r##"
switch (kind()) { default: other(); break; case a(): one(); }
"##,
        r##"
fn#0 module
  b0:
    t1 = call ::kind()
    t2 = call ::a()
    if (t1 == t2) then b2 else b1
  b1:
    t3 = call ::other()
    goto b3
  b2:
    t4 = call ::one()
    goto b3
  b3:
    return
"##,
    );
}

#[test]
fn a_switch_over_true_is_a_chain_of_conditions() {
    check(
        "a.ts",
        r##"
switch (true) { case a && b(): one(); break; case c: two(); }
"##,
        r##"
fn#0 module
  b0:
    if ::a then b1 else b2
  b1:
    t1 = call ::b()
    if t1 then b3 else b2
  b2:
    if ::c then b4 else b5
  b3:
    t2 = call ::one()
    goto b5
  b4:
    t3 = call ::two()
    goto b5
  b5:
    return
"##,
    );
}
