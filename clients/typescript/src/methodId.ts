// XXH3-64 with seed 0, after the specification of the xxHash family: the number that stands for a method's name. Computed once for
// each name, so it is written for size and not for speed.

const MASK = 0xffff_ffff_ffff_ffffn;
const P32_1 = 0x9e3779b1n, P32_2 = 0x85ebca77n, P32_3 = 0xc2b2ae3dn;
const P64_1 = 0x9e3779b185ebca87n, P64_2 = 0xc2b2ae3d27d4eb4fn, P64_3 = 0x165667b19e3779f9n;
const P64_4 = 0x85ebca77c2b2ae63n, P64_5 = 0x27d4eb2f165667c5n;
const MX_1 = 0x165667919e3779f9n, MX_2 = 0x9fb21c651e98df25n;

const STRIPE_BYTES = 64, SECRET_BYTES = 192;
const STRIPES_OF_BLOCK = (SECRET_BYTES - STRIPE_BYTES) / 8, BLOCK_BYTES = STRIPES_OF_BLOCK * STRIPE_BYTES;

const SECRET = view(Uint8Array.from(
  ("b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    + "3c2852bb91c300cb88d0658b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d978736"
    + "4eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b"
    + "407e").match(/../g)!, pair => parseInt(pair, 16)));

const known = new Map<string, bigint>();
const KNOWN_MAX = 1024;

/** The number of a method's name. */
export function methodId(name: string): bigint {
  let id = known.get(name);
  if (id === undefined) {
    id = xxh3(new TextEncoder().encode(name));
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(name, id);
  }

  return id;
}

/** XXH3-64 of some bytes, seed 0. */
export function xxh3(bytes: Uint8Array): bigint {
  const data = view(bytes);
  const length = bytes.length;
  if (length > 240) return hashLong(data, length);
  if (length > 128) return hash129To240(data, length);
  if (length > 16) return hash17To128(data, length);
  if (length > 8) {
    const low = u64(data, 0) ^ u64(SECRET, 24) ^ u64(SECRET, 32);
    const high = u64(data, length - 8) ^ u64(SECRET, 40) ^ u64(SECRET, 48);
    return avalanche(add(BigInt(length), swap(low), high, fold(low, high)));
  }

  if (length > 3) {
    const both = u32(data, length - 4) + (u32(data, 0) << 32n);
    let hash = both ^ u64(SECRET, 8) ^ u64(SECRET, 16);
    hash ^= rotate(hash, 49n) ^ rotate(hash, 24n);
    hash = multiply(hash, MX_2);
    hash ^= (hash >> 35n) + BigInt(length);
    hash = multiply(hash, MX_2);
    return hash ^ (hash >> 28n);
  }

  if (length > 0) {
    const [first, middle, last] = [bytes[0]!, bytes[length >> 1]!, bytes[length - 1]!].map(BigInt) as [bigint, bigint, bigint];
    const combined = (first << 16n) | (middle << 24n) | last | (BigInt(length) << 8n);
    return avalanche64(combined ^ u32(SECRET, 0) ^ u32(SECRET, 4));
  }

  return avalanche64(u64(SECRET, 56) ^ u64(SECRET, 64));
}

function hash17To128(data: DataView, length: number): bigint {
  let hash = multiply(BigInt(length), P64_1);
  for (let i = (length - 1) >> 5; i >= 0; i--) hash = add(hash, mix(data, 16 * i, 32 * i), mix(data, length - 16 * (i + 1), 32 * i + 16));
  return avalanche(hash);
}

function hash129To240(data: DataView, length: number): bigint {
  let hash = multiply(BigInt(length), P64_1);
  for (let i = 0; i < 8; i++) hash = add(hash, mix(data, 16 * i, 16 * i));
  hash = avalanche(hash);
  for (let i = 8; i < length >> 4; i++) hash = add(hash, mix(data, 16 * i, 16 * (i - 8) + 3));
  return avalanche(add(hash, mix(data, length - 16, 136 - 17)));
}

function hashLong(data: DataView, length: number): bigint {
  const lanes = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1];
  const blocks = Math.floor((length - 1) / BLOCK_BYTES);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < STRIPES_OF_BLOCK; i++) accumulate(lanes, data, block * BLOCK_BYTES + i * STRIPE_BYTES, 8 * i);
    for (let i = 0; i < 8; i++) {
      const lane = lanes[i]!;
      lanes[i] = multiply(lane ^ (lane >> 47n) ^ u64(SECRET, SECRET_BYTES - STRIPE_BYTES + 8 * i), P32_1);
    }
  }

  const start = blocks * BLOCK_BYTES;
  for (let i = 0; i < Math.floor((length - 1 - start) / STRIPE_BYTES); i++) accumulate(lanes, data, start + i * STRIPE_BYTES, 8 * i);
  accumulate(lanes, data, length - STRIPE_BYTES, SECRET_BYTES - STRIPE_BYTES - 7);

  let hash = multiply(BigInt(length), P64_1);
  for (let i = 0; i < 4; i++) {
    hash = add(hash, fold(lanes[2 * i]! ^ u64(SECRET, 11 + 16 * i), lanes[2 * i + 1]! ^ u64(SECRET, 19 + 16 * i)));
  }

  return avalanche(hash);
}

function accumulate(lanes: bigint[], data: DataView, at: number, secretAt: number): void {
  for (let i = 0; i < 8; i++) {
    const value = u64(data, at + 8 * i);
    const key = value ^ u64(SECRET, secretAt + 8 * i);
    lanes[i ^ 1] = add(lanes[i ^ 1]!, value);
    lanes[i] = add(lanes[i]!, (key & 0xffff_ffffn) * (key >> 32n));
  }
}

function mix(data: DataView, at: number, secretAt: number): bigint {
  return fold(u64(data, at) ^ u64(SECRET, secretAt), u64(data, at + 8) ^ u64(SECRET, secretAt + 8));
}

function fold(one: bigint, other: bigint): bigint {
  const product = one * other;
  return (product & MASK) ^ (product >> 64n);
}

function avalanche(hash: bigint): bigint {
  const mixed = multiply(hash ^ (hash >> 37n), MX_1);
  return mixed ^ (mixed >> 32n);
}

function avalanche64(hash: bigint): bigint {
  let mixed = multiply(hash ^ (hash >> 33n), P64_2);
  mixed = multiply(mixed ^ (mixed >> 29n), P64_3);
  return mixed ^ (mixed >> 32n);
}

function add(...values: bigint[]): bigint {
  return values.reduce((sum, value) => sum + value, 0n) & MASK;
}

function multiply(one: bigint, other: bigint): bigint {
  return (one * other) & MASK;
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

function swap(value: bigint): bigint {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, value);
  return bytes.getBigUint64(0, true);
}

function u32(data: DataView, at: number): bigint {
  return BigInt(data.getUint32(at, true));
}

function u64(data: DataView, at: number): bigint {
  return data.getBigUint64(at, true);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
