//! Figures of the code's structure; `cargo xtask measure [CRATE …]` runs it.
//!
//! For each crate and for all together: lines a file and a function, exported items and public
//! functions of types that no other crate names, and long lines. Generated files do not count. Of
//! tests only the long lines do, and what they name of other crates.
//!
//! Names are compared as words: an item counts as named where another crate that uses this one has
//! the same word in its code, whatever it means there.

#![allow(clippy::print_stdout)] // What it prints is what it is for.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

const FILE_LINES_MAX: usize = 500;
const LONGEST: usize = 5;

#[derive(Default)]
struct Crate {
    name: String,
    files: Vec<File>,
    /// What paths from outside lead to, modules aside.
    exported: BTreeSet<String>,
    /// Types and their public functions.
    methods: BTreeSet<(String, String)>,
    /// All words of its code.
    words: HashSet<String>,
    /// Those of its integration tests and examples, which are crates of their own.
    words_outside: HashSet<String>,
    over_100: usize,
    over_110: usize,
}

/// A file that is not for tests.
#[derive(Clone)]
struct File {
    path: String,
    lines: usize,
    functions: Vec<Function>,
}

#[derive(Clone)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

type Sources = BTreeMap<PathBuf, (String, syn::File)>;

impl Crate {
    fn read(root: &Path, folder: &Path) -> Self {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut krate = Self { name, ..Self::default() };
        let mut sources = Sources::new();
        read_sources(folder, &mut sources);
        let tests: HashSet<PathBuf> =
            sources.iter().flat_map(|(path, (_, parsed))| test_modules(path, parsed)).collect();
        let library = folder.join("src/lib.rs");
        if let Some((_, parsed)) = sources.get(&library) {
            export(&sources, &library, &parsed.items, &mut krate.exported);
        }
        for (path, (text, parsed)) in &sources {
            let columns = || text.lines().map(|line| line.chars().count());
            krate.over_100 += columns().filter(|columns| *columns > 100).count();
            krate.over_110 += columns().filter(|columns| *columns > 110).count();
            let is_inside = path.starts_with(folder.join("src"));
            let words = if is_inside { &mut krate.words } else { &mut krate.words_outside };
            add_words(text.parse().unwrap(), words);
            let is_test = path.ancestors().any(|path| tests.contains(&path.with_extension("")));
            if is_test || !is_inside {
                continue;
            }
            let mut reader = Reader::default();
            reader.visit_file(parsed);
            krate.methods.extend(reader.methods);
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let (lines, functions) = (text.lines().count(), reader.functions);
            krate.files.push(File { path, lines, functions });
        }
        krate
    }

    /// What of it no other crate names: items, and functions of types.
    fn unnamed(&self, all: &[Self]) -> [Vec<String>; 2] {
        let own = format!("milena_{}", self.name.replace('-', "_"));
        let others = all.iter().filter(|other| other.name != self.name);
        let others = others.flat_map(|other| [&other.words, &other.words_outside]);
        let others: Vec<_> = others.chain([&self.words_outside]).collect();
        let is_used =
            |name: &str| others.iter().any(|words| words.contains(&own) && words.contains(name));
        let items = self.exported.iter().filter(|name| !is_used(name)).cloned();
        // A value's functions are called without a word about the crate that they are from.
        let is_called = |name: &str| others.iter().any(|words| words.contains(name));
        let methods = self.methods.iter().filter(|(_, name)| !is_called(name));
        let methods = methods.map(|(owner, name)| format!("{owner}::{name}"));
        [items.collect(), methods.collect()]
    }
}

fn add_words(code: TokenStream, words: &mut HashSet<String>) {
    for token in code {
        match token {
            TokenTree::Ident(word) => _ = words.insert(word.to_string()),
            TokenTree::Group(group) => add_words(group.stream(), words),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Reads the Rust files below a folder, without generated ones.
fn read_sources(folder: &Path, sources: &mut Sources) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            if !path.ends_with("target") {
                read_sources(&path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            if !text.starts_with("// Generated") {
                let parsed = syn::parse_file(&text);
                let parsed = parsed.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                sources.insert(path, (text, parsed));
            }
        }
    }
}

/// Where the modules are that a file declares.
fn module_folder(path: &Path) -> PathBuf {
    let is_root = ["lib.rs", "main.rs", "mod.rs"].iter().any(|name| path.ends_with(name));
    if is_root { path.parent().unwrap().to_owned() } else { path.with_extension("") }
}

/// The modules for tests that a file declares and that are files of their own, without extension.
fn test_modules(path: &Path, parsed: &syn::File) -> Vec<PathBuf> {
    let declared = parsed.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) if is_test(&module.attrs) => Some(module.ident.to_string()),
        _ => None,
    });
    declared.map(|name| module_folder(path).join(name)).collect()
}

/// Collects what a public module exports.
fn export(sources: &Sources, path: &Path, items: &[syn::Item], names: &mut BTreeSet<String>) {
    for item in items {
        let (visibility, name) = match item {
            syn::Item::Mod(module) if is_public(&module.vis) => {
                let child = module_folder(path).join(module.ident.to_string());
                let files = [child.with_extension("rs"), child.join("mod.rs")];
                if let Some((_, items)) = &module.content {
                    export(sources, path, items, names);
                } else if let Some(file) = files.iter().find(|file| sources.contains_key(*file)) {
                    export(sources, file, &sources[file].1.items, names);
                }
                continue;
            }
            syn::Item::Use(item) if is_public(&item.vis) => {
                export_tree(&item.tree, names);
                continue;
            }
            syn::Item::Const(item) => (&item.vis, &item.ident),
            syn::Item::Enum(item) => (&item.vis, &item.ident),
            syn::Item::Fn(item) => (&item.vis, &item.sig.ident),
            syn::Item::Struct(item) => (&item.vis, &item.ident),
            syn::Item::Trait(item) => (&item.vis, &item.ident),
            syn::Item::Type(item) => (&item.vis, &item.ident),
            _ => continue,
        };
        if is_public(visibility) {
            names.insert(name.to_string());
        }
    }
}

fn export_tree(tree: &syn::UseTree, names: &mut BTreeSet<String>) {
    match tree {
        syn::UseTree::Path(path) => export_tree(&path.tree, names),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| export_tree(tree, names)),
        syn::UseTree::Name(syn::UseName { ident }) => _ = names.insert(ident.to_string()),
        syn::UseTree::Rename(renamed) => _ = names.insert(renamed.rename.to_string()),
        syn::UseTree::Glob(_) => {}
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

/// Whether something is compiled for tests only: `cfg(test)`, `cfg(any(test, …))`.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let text = list.tokens.to_string();
            text == "test" || text.starts_with("any (test") || text.starts_with("any(test")
        }
        _ => false,
    })
}

#[derive(Default)]
struct Reader {
    functions: Vec<Function>,
    methods: BTreeSet<(String, String)>,
    /// The type whose functions are read.
    owner: Option<String>,
}

impl Reader {
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.fn_token.span.start().line;
        let lines = block.brace_token.span.close().end().line - line + 1;
        let owner = self.owner.iter().map(|owner| format!("{owner}::"));
        let name = owner.chain([signature.ident.to_string()]).collect();
        self.functions.push(Function { name, line, lines });
    }

    /// Reads what belongs to a type.
    fn inside(&mut self, owner: String, read: impl FnOnce(&mut Self)) {
        let before = self.owner.replace(owner);
        read(self);
        self.owner = before;
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig, &item.block);
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.inside(item.ident.to_string(), |reader| visit::visit_item_trait(reader, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let owner = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        if !is_test(&item.attrs) {
            let owner = owner.unwrap_or_else(|| "_".to_owned());
            self.inside(owner, |reader| visit::visit_item_impl(reader, item));
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            if let Some(owner) = self.owner.clone().filter(|_| is_public(&item.vis)) {
                self.methods.insert((owner, item.sig.ident.to_string()));
            }
            self.function(&item.sig, &item.block);
            visit::visit_impl_item_fn(self, item);
        }
    }
}

/// The value below which `percent` of the values are, which are sorted.
fn percentile(values: &[usize], percent: usize) -> usize {
    let place = values.len() * percent / 100;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(0)
}

fn print_files(files: &[File]) {
    let mut lines: Vec<usize> = files.iter().map(|file| file.lines).collect();
    lines.sort_unstable();
    let (count, median, p90) = (lines.len(), percentile(&lines, 50), percentile(&lines, 90));
    let mut long: Vec<_> = files.iter().filter(|file| file.lines > FILE_LINES_MAX).collect();
    long.sort_by_key(|file| std::cmp::Reverse(file.lines));
    println!(
        "  {count} files: median {median} lines, p90 {p90}, {} over {FILE_LINES_MAX}",
        long.len()
    );
    for file in long {
        println!("    {:4} {}", file.lines, file.path);
    }
}

fn print_functions(files: &[File]) {
    let all = files.iter().flat_map(|file| file.functions.iter().map(move |of| (of, &file.path)));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(function, _)| function.lines);
    let lines: Vec<usize> = all.iter().map(|(function, _)| function.lines).collect();
    let (median, p99, max) =
        (percentile(&lines, 50), percentile(&lines, 99), lines.last().copied().unwrap_or(0));
    println!("  {} functions: median {median} lines, p99 {p99}, max {max}", lines.len());
    for (Function { name, line, lines }, path) in all.iter().rev().take(LONGEST) {
        println!("    {lines:4} {name} ({path}:{line})");
    }
}

/// Numbers of a crate, or of all.
#[derive(Clone, Copy, Default)]
struct Counts {
    exported: usize,
    unnamed: usize,
    methods: usize,
    uncalled: usize,
    over_100: usize,
    over_110: usize,
}

impl Counts {
    fn add(&mut self, more: Self) {
        self.exported += more.exported;
        self.unnamed += more.unnamed;
        self.methods += more.methods;
        self.uncalled += more.uncalled;
        self.over_100 += more.over_100;
        self.over_110 += more.over_110;
    }

    fn print(&self, names: [Vec<String>; 2]) {
        let [items, methods] = names.map(|names| match names.is_empty() {
            true => String::new(),
            false => format!(": {}", names.join(" ")),
        });
        let Self { exported, unnamed, methods: all, uncalled, over_100, over_110 } = self;
        println!("  {exported} exported items, {unnamed} named by no other crate{items}");
        println!("  {all} public functions of types, {uncalled} named by no other crate{methods}");
        println!("  lines over 100 columns: {over_100}, over 110: {over_110}");
    }
}

fn main() -> ExitCode {
    let root = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
    let crates = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let others = ["bench/load", "xtask", "sim", "fuzz"].map(|place| root.join(place));
    let mut all: Vec<Crate> =
        crates.chain(others).map(|folder| Crate::read(&root, &folder)).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let chosen: Vec<String> = env::args().skip(1).collect();
    if let Some(name) = chosen.iter().find(|name| all.iter().all(|krate| krate.name != **name)) {
        let names: Vec<&str> = all.iter().map(|krate| krate.name.as_str()).collect();
        println!("there is no crate '{name}'; there are: {}", names.join(" "));
        return ExitCode::FAILURE;
    }
    let (mut files, mut total) = (Vec::new(), Counts::default());
    let is_chosen = |krate: &&Crate| match chosen.is_empty() {
        true => !krate.files.is_empty(),
        false => chosen.contains(&krate.name),
    };
    for krate in all.iter().filter(is_chosen) {
        println!("{}", krate.name);
        print_files(&krate.files);
        print_functions(&krate.files);
        let unnamed = krate.unnamed(&all);
        let counts = Counts {
            exported: krate.exported.len(),
            unnamed: unnamed[0].len(),
            methods: krate.methods.len(),
            uncalled: unnamed[1].len(),
            over_100: krate.over_100,
            over_110: krate.over_110,
        };
        counts.print(unnamed);
        files.extend_from_slice(&krate.files);
        total.add(counts);
    }
    println!("in total");
    print_files(&files);
    print_functions(&files);
    total.print([Vec::new(), Vec::new()]);
    ExitCode::SUCCESS
}
