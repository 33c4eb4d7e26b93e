//! Classes.

use super::check;

#[test]
fn members() {
    check(
        "a.ts",
        r##"
@Injectable()
@a.b(c)
export class UserService extends Base implements OnInit, Repo<User> {
  static readonly limit = 5;
  static shared = create();
  private cache: Map<string, User> = new Map();
  name?: string;
  readonly kind = "user";
  constructor(private readonly prisma: PrismaService, @Inject(X) public log: Logger, plain: string) {
    super(plain);
    this.name = plain;
  }
  @Get("x") async find(id: string): Promise<User> { return this.prisma.user.findFirst({ where: { id } }); }
  static make() { return new UserService(); }
  get size() { return this.cache.size; }
  set size(v) { this.cache.n = v; }
  #secret() {}
  [Symbol.iterator]() {}
  handler = async (x) => { this.name = x; return this.find(x); };
  static { init(); }
}
"##,
        r##"
class#0 UserService extends ::Base implements OnInit, Repo<User> @Injectable @a.b
  field prisma: PrismaService
  field log: Logger
  field cache: Map<string, User>
  field handler = fn#2
  static field limit = 5
  static field shared = t4
  field name: string
  field kind = "user"
  constructor = fn#1
  method find = fn#3
  static method make = fn#4
  getter size = fn#5
  method size = fn#6
  method #secret = fn#7
  method [Symbol.iterator] = fn#8
fn#0 module
  b0:
    t4 = call ::create()
    t7 = call ::init()
    t8 = call ::Injectable()
    t9 = call ::a.b(::c)
    UserService = class#0
    return
fn#1 class#0.constructor(prisma: PrismaService, log: Logger, plain: string)
  b0:
    store this.prisma = prisma
    store this.log = log
    t1 = new ::Map()
    store this.cache = t1
    t3 = call ::super(plain)
    store this.name = plain
    return
fn#2 handler(x) in fn#1
  b0:
    store this.name = x
    t2 = call this.find(x)
    return t2
fn#3 class#0.find(id: string) -> Promise<User>
  b0:
    t5 = call this.prisma.user.findFirst({where: {id: id}})
    return t5
fn#4 class#0.make()
  b0:
    t6 = new UserService()
    return t6
fn#5 class#0.size()
  b0:
    return this.cache.size
fn#6 class#0.size(v)
  b0:
    store this.cache.n = v
    return
fn#7 class#0.#secret()
  b0:
    return
fn#8 class#0.[Symbol.iterator]()
  b0:
    return
export UserService = UserService
"##,
    );
}

#[test]
fn a_field_needs_a_constructor() {
    check(
        "a.ts",
        r##"
class A extends B { db = connect(); run = () => this.db.go(); }
"##,
        r##"
class#0 A extends ::B
  field db
  field run = fn#2
  constructor = fn#1
fn#0 module
  b0:
    A = class#0
    return
fn#1 class#0.constructor(...args)
  b0:
    t1 = call ::super(...args)
    t2 = call ::connect()
    store this.db = t2
    return
fn#2 run() in fn#1
  b0:
    t3 = call this.db.go()
    return t3
"##,
    );
}

#[test]
fn initial_values_do_not_see_the_parameters() {
    check(
        "a.ts",
        r##"
const db = 1;
class A { x = use(db); constructor(db) { use(db); } }
"##,
        r##"
class#0 A
  field x
  constructor = fn#1
fn#0 module
  b0:
    db = 1
    A = class#0
    return
fn#1 class#0.constructor(db~2)
  b0:
    t1 = call ::use(db)
    store this.x = t1
    t2 = call ::use(db~2)
    return
"##,
    );
}

#[test]
fn expressions() {
    check(
        "a.ts",
        r##"
const A = class { m() {} };
const B = class Named extends mixin(A) { me() { return Named; } };
export default class extends A {}
"##,
        r##"
class#0 A
  method m = fn#1
class#1 Named extends t1
  method me = fn#2
class#2  extends A
fn#0 module
  b0:
    A = class#0
    t1 = call ::mixin(A)
    Named = class#1
    B = class#1
    return
fn#1 class#0.m()
  b0:
    return
fn#2 class#1.me()
  b0:
    return Named
export default = class#2
"##,
    );
}

#[test]
fn this_is_inherited_by_arrows_only() {
    check(
        "a.ts",
        r##"
class A {
  m() {
    this.a = 1;
    const f = () => { this.b = 2; };
    function g() { this.c = 3; }
    delete this.d;
    this.n++;
  }
}
"##,
        r##"
class#0 A
  method m = fn#1
fn#0 module
  b0:
    A = class#0
    return
fn#1 class#0.m()
  b0:
    g = fn#2
    store this.a = 1
    f = fn#3
    delete this.d
    t1 = (this.n + 1)
    store this.n = t1
    return
fn#2 g() in fn#1
  b0:
    store this.c = 3
    return
fn#3 f() in fn#1
  b0:
    store this.b = 2
    return
"##,
    );
}

#[test]
fn members_of_the_base_class() {
    check(
        "a.ts",
        r##"
class A extends B { m() { super.m(1); return super.x; } }
"##,
        r##"
class#0 A extends ::B
  method m = fn#1
fn#0 module
  b0:
    A = class#0
    return
fn#1 class#0.m()
  b0:
    t1 = call ::super.m(1)
    return ::super.x
"##,
    );
}
