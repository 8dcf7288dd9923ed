// Whom the reader has asked, for everything that has to say where an answer comes from; null for everyone.
import { createContext } from "preact";

export const AskedCreator = createContext<string | null>(null);
