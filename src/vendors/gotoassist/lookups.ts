import { z } from 'zod';
import { Cached, CachedByKey } from '../cached.ts';
import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import type { GotoassistClient } from './client.ts';
import { mapPriority } from './map.ts';
import { Service, type Priority } from './schema.ts';
import type { GotoassistSettings } from './settings.ts';

/**
 * Services, and what belongs to each: priorities, types and categories have other ids in another service (guide, "Show
 * Service"). A name that is not known reloads the list once and is then refused with the nearest names.
 */

/** Calls are scarce (some 60 an hour), and services change rarely. */
const TTL_MS = 6 * 3_600_000;

const Services = z.object({ services: z.array(Service) });
/** A lone object in `result` loses its wrapper. */
const OneService = z.union([Service, z.object({ service: Service }).transform(({ service }) => service)]);

export interface FoundName {
  readonly id: string;
  readonly name: string | null;
}

export class GotoassistLookups {
  readonly #client: GotoassistClient;
  readonly #settings: GotoassistSettings;
  readonly #services: Cached<readonly Service[], CallContext>;
  readonly #whole: CachedByKey<Service | null, CallContext>;

  constructor(client: GotoassistClient, settings: GotoassistSettings, io: VendorIo) {
    this.#client = client;
    this.#settings = settings;
    const load = async (context: CallContext): Promise<readonly Service[]> =>
      (await client.get('services', {}, Services, context)).value.services;
    this.#services = new Cached(load, io.clock);
    this.#whole = new CachedByKey(async (id, context) => {
      return (await client.find(`services/${id}`, OneService, context))?.value ?? null;
    }, io.clock);
  }

  /** A service by name or id. @throws VendorError `refused` with the nearest names */
  async service(name: string, context: CallContext): Promise<Service> {
    const found =
      this.#pick(name, await this.#services.get(context, TTL_MS)) ??
      this.#pick(name, await this.#services.reload(context));
    if (found === null) {
      const known = (this.#services.peek() ?? []).map((one) => one.name ?? one.id);
      throw this.#client.refused(describeMiss('service', name, known));
    }
    return this.#withParts(found, context);
  }

  /** Ids of all services. */
  async serviceIds(context: CallContext): Promise<readonly string[]> {
    return (await this.#services.get(context, TTL_MS)).map((one) => one.id);
  }

  /** The service of an incident. @throws VendorError `refused` when it is not there any more */
  async serviceOf(id: string, context: CallContext): Promise<Service> {
    const listed = (await this.#services.get(context, TTL_MS)).find((one) => one.id === id);
    const service = listed ?? (await this.#whole.of(id).get(context, TTL_MS));
    if (service === null) throw this.#client.refused(`the service ${id} is not there any more`);
    return this.#withParts(service, context);
  }

  priority(name: string, service: Service): Priority {
    const wanted = foldName(name);
    const all = service.service_priorities ?? [];
    const named = all.filter((one) => foldName(one.description ?? '') === wanted || one.id === name.trim());
    const ofLevel = all.filter((one) => mapPriority(one, this.#settings)?.level === wanted);
    const [found, other] = named.length > 0 ? named : ofLevel;
    if (found !== undefined && other === undefined) return found;
    const names = all.map((one) => one.description ?? one.id);
    throw this.#client.refused(`${describeMiss('priority', name, names)} (of service ${service.name})`);
  }

  type(name: string, service: Service): FoundName {
    return this.#among('type', name, service.incident_types ?? [], service);
  }

  category(name: string, service: Service): FoundName {
    return this.#among('category', name, service.beetil_categories ?? [], service);
  }

  #among(kind: string, name: string, all: readonly FoundName[], service: Service): FoundName {
    const same = all.filter((one) => foldName(one.name ?? '') === foldName(name));
    const found = same.length === 1 ? same[0] : all.find((one) => one.id === name.trim());
    if (found !== undefined) return found;
    const names = all.map((one) => one.name ?? one.id);
    throw this.#client.refused(`${describeMiss(kind, name, names)} (of service ${service.name})`);
  }

  #pick(name: string, all: readonly Service[]): Service | null {
    const same = all.filter((one) => foldName(one.name ?? '') === foldName(name));
    if (same.length > 1) {
      const ids = same.map((one) => one.id).join(', ');
      throw this.#client.refused(`service "${name}" is ambiguous: write one of the ids ${ids}`);
    }
    return same[0] ?? all.find((one) => one.id === name.trim()) ?? null;
  }

  /** The list may show services without what belongs to them. */
  async #withParts(service: Service, context: CallContext): Promise<Service> {
    if (service.service_priorities !== null && service.service_priorities !== undefined) return service;
    return (await this.#whole.of(service.id).get(context, TTL_MS)) ?? service;
  }
}
