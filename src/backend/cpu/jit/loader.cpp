// SPDX-License-Identifier: Apache-2.0
// A loader for the objects that LLVM makes of emitted text. Bytes may come from a damaged cache
// file: every offset is checked.
#include "backend/cpu/jit/loader.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "support/fail.h"

namespace flexion::cpu {
namespace {

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

class Object {
public:
    Object(const backend::Binary& bytes, const std::string& kernel)
        : bytes_(bytes), kernel_(kernel) {
        read_sections();
    }

    std::size_t size() const { return size_; }

    std::size_t find(std::string_view symbol) const {
        for (std::size_t i = 0; i < sections_.size(); ++i) {
            if (sections_[i].sh_type != SHT_SYMTAB) continue;
            const auto symbols = table<Elf64_Sym>(sections_[i]);
            for (const Elf64_Sym& s : symbols) {
                if (ELF64_ST_TYPE(s.st_info) != STT_FUNC || !placed(s.st_shndx)) continue;
                if (name_of(sections_[i], s) == symbol) return address_of(s);
            }
        }
        refuse("it has no function " + std::string(symbol));
    }

    /// Writes the image to `to`; it will run at `address`.
    void write(char* to, std::uint64_t address) const {
        for (std::size_t i = 0; i < sections_.size(); ++i) {
            const Elf64_Shdr& s = sections_[i];
            if (placed(i) && s.sh_type != SHT_NOBITS && s.sh_size > 0)
                std::memcpy(to + offsets_[i], bytes_.data() + s.sh_offset, s.sh_size);
        }
        for (const Elf64_Shdr& s : sections_) {
            if ((s.sh_type != SHT_RELA && s.sh_type != SHT_REL) || !placed(s.sh_info)) continue;
            if (s.sh_type == SHT_REL) refuse("it has REL relocations");
            if (s.sh_link >= sections_.size()) refuse("a relocation has no symbols");
            const auto symbols = table<Elf64_Sym>(sections_[s.sh_link]);
            for (const Elf64_Rela& r : table<Elf64_Rela>(s)) apply(s, symbols, r, to, address);
        }
    }

private:
    static constexpr std::size_t kNowhere = ~std::size_t{0};

    [[noreturn]] void refuse(const std::string& why) const {
        fail<CompileError>("flexion: the object of kernel '{}' cannot be loaded: {}", kernel_, why);
    }

    void read_sections() {
        Elf64_Ehdr head;
        if (bytes_.size() < sizeof head) refuse("it is truncated");
        std::memcpy(&head, bytes_.data(), sizeof head);
        if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
            head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_type != ET_REL)
            refuse("it is no ELF64 relocatable object");
        if (head.e_machine != EM_X86_64) refuse("it is for another machine than x86-64");
        if (head.e_shentsize != sizeof(Elf64_Shdr))
            refuse("its section headers have an unknown size");
        if (head.e_shnum == 0) refuse("it has no sections");
        sections_.resize(head.e_shnum);
        check(head.e_shoff, sections_.size() * sizeof(Elf64_Shdr), "its section headers");
        std::memcpy(sections_.data(), bytes_.data() + head.e_shoff,
                    sections_.size() * sizeof(Elf64_Shdr));
        offsets_.assign(sections_.size(), kNowhere);
        for (std::size_t i = 0; i < sections_.size(); ++i) {
            const Elf64_Shdr& s = sections_[i];
            if (s.sh_type != SHT_NOBITS) check(s.sh_offset, s.sh_size, "a section");
            if ((s.sh_flags & SHF_ALLOC) == 0) continue;
            if ((s.sh_flags & SHF_WRITE) != 0 && s.sh_size > 0) refuse("it has writable data");
            if (s.sh_size > kLargest || s.sh_addralign > kPage) refuse("a section is too large");
            const std::size_t align = s.sh_addralign > 1 ? s.sh_addralign : 1;
            offsets_[i] = (size_ + align - 1) / align * align;
            size_ = offsets_[i] + s.sh_size;
        }
        if (size_ > kLargest) refuse("it is too large");
    }

    void check(std::uint64_t offset, std::uint64_t size, const char* what) const {
        if (offset > bytes_.size() || size > bytes_.size() - offset)
            refuse(formatted("{} reaches past its end", what));
    }

    bool placed(std::size_t section) const {
        return section < offsets_.size() && offsets_[section] != kNowhere;
    }

    template <class T>
    std::vector<T> table(const Elf64_Shdr& section) const {
        if (section.sh_entsize != sizeof(T)) refuse("a table has an unknown entry size");
        std::vector<T> entries(section.sh_size / sizeof(T));
        std::memcpy(entries.data(), bytes_.data() + section.sh_offset, entries.size() * sizeof(T));
        return entries;
    }

    std::string_view name_of(const Elf64_Shdr& symbols, const Elf64_Sym& symbol) const {
        if (symbols.sh_link >= sections_.size()) refuse("a symbol table has no names");
        const Elf64_Shdr& names = sections_[symbols.sh_link];
        if (names.sh_type != SHT_STRTAB || symbol.st_name >= names.sh_size)
            refuse("a symbol has no name");
        const char* start = bytes_.data() + names.sh_offset + symbol.st_name;
        return {start, ::strnlen(start, names.sh_size - symbol.st_name)};
    }

    std::size_t address_of(const Elf64_Sym& s) const {
        if (s.st_value > sections_[s.st_shndx].sh_size) refuse("a symbol lies outside its section");
        return offsets_[s.st_shndx] + s.st_value;
    }

    void apply(const Elf64_Shdr& section, std::span<const Elf64_Sym> symbols, const Elf64_Rela& r,
               char* image, std::uint64_t address) const {
        const std::size_t number = ELF64_R_SYM(r.r_info);
        if (number >= symbols.size()) refuse("a relocation names no symbol");
        const Elf64_Sym& s = symbols[number];
        if (!placed(s.st_shndx)) {
            refuse(formatted("symbol '{}' is undefined", name_of(sections_[section.sh_link], s)));
        }
        const auto type = static_cast<unsigned>(ELF64_R_TYPE(r.r_info));
        const std::size_t width = type == R_X86_64_64 || type == R_X86_64_PC64 ? 8 : 4;
        const std::uint64_t in_section = sections_[section.sh_info].sh_size;
        if (r.r_offset > in_section || width > in_section - r.r_offset)
            refuse("a relocation lies outside its section");
        const std::size_t place = offsets_[section.sh_info] + r.r_offset;
        const std::uint64_t target =
            address + address_of(s) + static_cast<std::uint64_t>(r.r_addend);
        const std::uint64_t relative = target - (address + place);
        switch (type) {
            case R_X86_64_PC32:
            case R_X86_64_PLT32: {
                const auto value = static_cast<std::int32_t>(relative);
                if (static_cast<std::uint64_t>(static_cast<std::int64_t>(value)) != relative)
                    refuse("a relocation reaches too far");
                std::memcpy(image + place, &value, sizeof value);
                break;
            }
            case R_X86_64_PC64:
                std::memcpy(image + place, &relative, sizeof relative);
                break;
            case R_X86_64_64:
                std::memcpy(image + place, &target, sizeof target);
                break;
            default:
                refuse(formatted("relocation type {} is unknown", type));
        }
    }

    static constexpr std::size_t kPage = 4096;
    static constexpr std::size_t kLargest = std::size_t{64} << 20;
    const backend::Binary& bytes_;
    const std::string& kernel_;
    std::vector<Elf64_Shdr> sections_;
    std::vector<std::size_t> offsets_;
    std::size_t size_ = 0;
};

[[noreturn]] void give_up(const char* call, std::size_t size) {
    fail<DeviceError>("flexion: {} of {} bytes for compiled code failed: {}", call, size,
                      std::strerror(errno));
}

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

int open_memory_file() {
    // Kernels that can forbid executable memory files want to be asked; older ones do not know the
    // flag.
    const int file = ::memfd_create("flexion-code", MFD_CLOEXEC | MFD_EXEC);
    if (file >= 0 || errno != EINVAL) return file;
    return ::memfd_create("flexion-code", MFD_CLOEXEC);
}

Mapping map(const File& file, std::size_t size, int protection) {
    void* at = ::mmap(nullptr, size, protection, MAP_SHARED, file.descriptor(), 0);
    if (at == MAP_FAILED) give_up("mmap", size);
    return {at, size};
}

}  // namespace

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Mapping::~Mapping() {
    if (data_) ::munmap(data_, size_);
}

LoadedCode load_object(const backend::Binary& bytes,
                       std::initializer_list<std::string_view> symbols, const std::string& kernel) {
    const Object object(bytes, kernel);
    const std::size_t size = object.size();
    std::vector<std::size_t> found;
    for (const std::string_view symbol : symbols) found.push_back(object.find(symbol));
    const File file(open_memory_file());
    if (file.descriptor() < 0) give_up("memfd_create", size);
    if (::ftruncate(file.descriptor(), static_cast<off_t>(size)) != 0) give_up("ftruncate", size);
    // One file mapped twice: a page is writable here or executable there, at no address both, so
    // this works where the system forbids to turn writable memory executable (PR_SET_MDWE).
    const Mapping image = map(file, size, PROT_READ | PROT_WRITE);
    LoadedCode code;
    code.memory = map(file, size, PROT_READ | PROT_EXEC);
    object.write(image.data(), reinterpret_cast<std::uint64_t>(code.memory.data()));
    for (const std::size_t at : found) code.entries.push_back(code.memory.data() + at);
    return code;
}

}  // namespace flexion::cpu
