use super::Registry;

#[test]
fn built_in_libraries_load() {
    let (registry, errors) = Registry::read(super::BUILTIN);
    assert_eq!(errors, []);
    assert!(registry.get("prisma").is_some());
}
