// SPDX-License-Identifier: Apache-2.0
// Writes tests/plugin/privacy/vectors.tsv: consent strings made by the IAB's own libraries, with what those
// libraries read back from them. `make privacy-vectors` runs it; nothing else needs Node.js.
//
// @iabtcf/core 1.5.6 and @iabgpp/cmpapi 3.2.0, both Apache-2.0; they are neither linked nor shipped.
//
//   node vectors.mjs FOLDER   FOLDER holds node_modules/
//
// Lines, with tabs between the fields:
//   tcf STRING VENDOR VALID PURPOSES FEATURES   of a vendor: 1 = the string may be used; purposes with a legal basis
//                                               and special features opted in to, as hexadecimal bits, first = highest
//   gpp STRING SECTION TEXT                     "-" = the header does not name the section
//   us SECTION TEXT RESTRICTS                   1 = opts out, knows a child, or says Global Privacy Control
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The strings hold the time at which they were made: one and the same, so that they come out alike.
const Clock = Date, NOW = Date.UTC(2026, 10, 5);
globalThis.Date = class extends Clock {
  constructor(...args) {
    super(...(args.length ? args : [NOW]));
  }
  static now() {
    return NOW;
  }
};

const require = createRequire(pathToFileURL(process.argv[2] + '/vectors.mjs'));
const { GVL, PurposeRestriction, TCModel, TCString } = require('@iabtcf/core');
const { GppModel } = require('@iabgpp/cmpapi');

const VENDORS = 900, PURPOSES = 11, FEATURES = 2;
const OPT_OUTS = ['SaleOptOut', 'SharingOptOut', 'TargetedAdvertisingOptOut'];
const CHILDREN = 'KnownChildSensitiveDataConsents';

let state = 20261129;
function roll(n) { // xorshift32: Marsaglia 2003
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}

// --- TCF

function vendorList() {
  const all = [...Array(PURPOSES).keys()].map((i) => i + 1), named = {}, vendors = {};
  for (const id of all) named[id] = { id, name: `p${id}`, description: '', illustrations: [] };
  for (let id = 1; id <= VENDORS; id++)
    vendors[id] = { id, name: `v${id}`, purposes: all, legIntPurposes: all, flexiblePurposes: all,
      specialPurposes: [], features: [], specialFeatures: [1, 2], policyUrl: '', usesCookies: false };
  return new GVL({ gvlSpecificationVersion: 3, vendorListVersion: 100, tcfPolicyVersion: 5, lastUpdated: '2026-11-05T16:00:00Z',
    purposes: named, specialPurposes: {}, features: {}, specialFeatures: { 1: named[1], 2: named[2] }, stacks: {},
    dataCategories: {}, vendors });
}

function someOf(max, partsIn8) {
  const list = [];
  for (let i = 1; i <= max; i++) if (roll(8) < partsIn8) list.push(i);
  return list;
}

function tcModel(gvl, most) {
  const model = new TCModel(gvl);
  const generous = roll(3) === 0 ? 8 : 5;
  model.cmpId = 7;
  model.cmpVersion = 3;
  model.policyVersion = roll(6) === 0 ? 2 + roll(2) : 4 + roll(2);
  model.isServiceSpecific = roll(8) !== 0;
  model.publisherCountryCode = 'DE';
  model.purposeConsents.set(someOf(PURPOSES, generous));
  model.purposeLegitimateInterests.set(someOf(PURPOSES, 4));
  model.specialFeatureOptins.set(someOf(FEATURES, 4));
  model.vendorConsents.set(someOf(most, most > 100 ? 1 : 5));
  model.vendorLegitimateInterests.set(someOf(most, 3));
  for (let i = roll(4); i > 0; i--) {
    const restriction = new PurposeRestriction(1 + roll(PURPOSES), roll(3));
    for (const vendor of someOf(most, 3)) model.publisherRestrictions.add(vendor, restriction);
  }
  return model;
}

const NEVER_BY_INTEREST = new Set([1, 3, 4, 5, 6]);

function basis(model, vendor, purpose) {
  let consent = model.purposeConsents.has(purpose) && model.vendorConsents.has(vendor);
  let interest = model.purposeLegitimateInterests.has(purpose) && model.vendorLegitimateInterests.has(vendor) &&
    !NEVER_BY_INTEREST.has(purpose);
  for (const restriction of model.publisherRestrictions.getRestrictions(vendor)) {
    if (restriction.purposeId !== purpose) continue;
    if (restriction.restrictionType !== 1) consent = false;
    if (restriction.restrictionType !== 2) interest = false;
  }
  return consent || interest;
}

function bits(count, holds) {
  let value = 0;
  for (let i = 1; i <= count; i++) value = value * 2 + (holds(i) ? 1 : 0);
  return value.toString(16);
}

function writeTcf(gvl, most, vendors) {
  const string = TCString.encode(tcModel(gvl, most));
  const text = roll(2) ? string : string.split('.')[0];
  const model = TCString.decode(text);
  const valid = model.policyVersion >= 4 && model.isServiceSpecific ? 1 : 0;
  for (const vendor of vendors)
    console.log(['tcf', text, vendor, valid, bits(24, (p) => basis(model, vendor, p)),
      bits(12, (f) => model.specialFeatureOptins.has(f))].join('\t'));
}

// --- GPP

const US = { usnat: 7, usca: 8, usva: 9, usco: 10, usut: 11, usct: 12, usfl: 13, usmt: 14, usor: 15, ustx: 16, usde: 17,
  usia: 18, usne: 19, usnh: 20, usnj: 21, ustn: 22, usmn: 23, usmd: 24, usin: 25, usky: 26, usri: 27 };

function pick(name, old, quiet) {
  const matters = OPT_OUTS.includes(name) || name === CHILDREN || name === 'Gpc';
  const harmless = matters && (quiet || roll(4));
  if (typeof old === 'boolean') return !harmless && roll(2) === 1;
  const number = () => (harmless ? (name === CHILDREN ? 0 : 2 * roll(2)) : roll(3));
  return Array.isArray(old) ? old.map(number) : number();
}

function fill(model, id, quiet) {
  const section = Object.keys(US).find((name) => US[name] === id);
  const add = (name, to) => model.setFieldValueBySectionId(id, name, to);
  add('SaleOptOut', 0); // makes the section
  for (const [name, old] of Object.entries(model.toObject()[section])) {
    if (/Version$|SegmentType$/.test(name)) continue;
    try {
      add(name, pick(name, old, quiet));
      model.encodeSectionById(id);
    } catch (e) {
      add(name, old); // 0 is none of its values
    }
  }
}

function restricts(model, id) {
  const field = (name) => (model.hasFieldBySectionId(id, name) ? model.getFieldValueBySectionId(id, name) : 0);
  const child = [field(CHILDREN)].flat();
  return OPT_OUTS.some((name) => field(name) === 1) || child.some((n) => n !== 0) ||
    field('Gpc') === true;
}

function writeUs(id, quiet) {
  const model = new GppModel();
  fill(model, id, quiet);
  const read = new GppModel(model.encode());
  console.log(['us', id, model.encodeSectionById(id), restricts(read, id) ? 1 : 0].join('\t'));
}

function writeGpp() {
  const model = new GppModel();
  for (const id of Object.values(US)) if (roll(5) === 0) fill(model, id, false);
  if (roll(2)) model.setFieldValueBySectionId(6, 'Notice', 'Y');
  if (roll(3) === 0) model.setFieldValueBySectionId(2, 'PurposeConsents', [true, true, false, true]);
  if (roll(4) === 0) model.setFieldValueBySectionId(5, 'UseNonStandardStacks', true);
  const string = model.encode();
  for (let id = 1; id <= 29; id++)
    if (model.hasSectionId(id)) console.log(['gpp', string, id, model.encodeSectionById(id)].join('\t'));
    else if (roll(6) === 0) console.log(['gpp', string, id, '-'].join('\t'));
}

const gvl = vendorList();
for (let i = 0; i < 110; i++) writeTcf(gvl, 40, [0, 1 + roll(20), 21 + roll(20), 41 + roll(860)]);
for (let i = 0; i < 9; i++) writeTcf(gvl, VENDORS, [1 + roll(VENDORS), VENDORS - roll(9), 65535]);
for (const id of Object.values(US)) {
  for (let i = 0; i < 5; i++) writeUs(id, true);
  for (let i = 0; i < 20; i++) writeUs(id, false);
}
for (let i = 0; i < 40; i++) writeGpp();
